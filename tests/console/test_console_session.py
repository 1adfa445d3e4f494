"""The session behind the screen, with a stand-in for the agent and the simulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from agent import paths
from console.client import AgentError
from console.environment import SIM_PHONE
from console.options import Options
from console.session import Session
from console.store import Store


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():
            await asyncio.sleep(0.01)


@pytest.fixture
async def session(house: Any, store: Store) -> AsyncIterator[Session]:
    made = Session(store, Options())
    made.start()
    yield made
    await made.close(stop=False)


def _event(kind: str, seq: int, **fields: Any) -> str:
    return json.dumps({"type": kind, "seq": seq, "at": "2026-11-21T17:00:00Z", "mono": 1, "call": "c_1", **fields})


async def test_it_attaches_to_what_runs_and_follows(house: Any, store: Store, session: Session) -> None:
    await _until(lambda: store.linked)
    await house.send(_event("call.initiated", 1, direction="outbound", **{"from": "+1", "to": "+15550100123"}))
    await _until(lambda: "c_1" in store.calls)

    assert (store.agent.phase, store.agent.attached, store.simulator.phase) == ("up", True, "up")
    assert store.services == {"line": "SIM", "stt": "SIM", "llm": "SIM", "tts": "SIM"}
    assert session.line == "SIM"


async def test_a_broken_stream_is_resumed_without_a_gap(house: Any, store: Store, session: Session) -> None:
    await _until(lambda: store.linked)
    await house.send(_event("call.initiated", 7, direction="outbound", **{"from": "+1", "to": "+1"}))
    await _until(lambda: store.seq == 7)
    await house.cut()
    await _until(lambda: house.asked_from == [None, "7"] and store.linked)

    assert list(store.calls) == ["c_1"]


async def test_a_call_is_retuned_its_turn_ended_and_its_values_saved(house: Any, session: Session) -> None:
    tuned = await session.tune("c_1", {"min_turn_silence": 600})
    ended = await session.end_turn("c_1")
    saved = await session.save_tuning("c_1")

    assert (tuned.sent, ended.sent, saved.path) == ({"min_turn_silence": 600}, {}, "/agent.toml")
    assert house.tuned == [
        ("c_1", {"fields": {"min_turn_silence": 600}, "end_turn": False, "who": "console"}),
        ("c_1", {"fields": {}, "end_turn": True, "who": "console"}),
        ("c_1", {"who": "console"}),
    ]
    house.refusal = (409, "The call c_1 has ended already.")
    with pytest.raises(AgentError, match="has ended already"):
        await session.tune("c_1", {"min_turn_silence": 600})


async def test_the_agent_knows_who_is_there_and_who_steps_in(
    house: Any, store: Store, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _until(lambda: store.linked)
    await session.step_in("c_1", "say", "One moment.")
    await session.recording("c_1", "pause")

    assert house.present == ["console"]
    assert house.desk == [
        ("c_1", "operator", {"action": "say", "text": "One moment.", "who": "console"}),
        ("c_1", "recording", {"action": "pause", "who": "console"}),
    ]
    house.refusal = (409, "bob holds the call c_1.")
    with pytest.raises(AgentError, match="bob holds"):
        await session.step_in("c_1", "take_over")


async def test_the_softphone_is_not_who_is_dialled_next_time(house: Any, store: Store, session: Session) -> None:
    await _until(lambda: store.linked)
    await session.dial("+15550100177")
    await session.dial(SIM_PHONE)

    assert session.preferences.last_number("SIM") == "+15550100177"


async def test_a_band_is_asked_for_with_the_number(house: Any, session: Session) -> None:
    await session.dial("+15550100177", "hd")
    await session.dial("+15550100177")

    assert [asked["band"] for asked in house.dialled] == ["hd", ""]


async def test_dialling_remembers_the_number_for_its_line(house: Any, store: Store, session: Session) -> None:
    await _until(lambda: store.linked)
    assert await session.dial("+15550100177") == "c_1"
    await session.hang_up("c_1")

    again = Session(store, Options())
    assert again.preferences.last_number("SIM") == "+15550100177"
    assert again.preferences.last_number("LIVE") == ""
    assert house.dialled[0]["who"] == "console"
    assert house.hung_up == ["c_1"]


async def test_an_agent_with_other_settings_is_told_apart(house: Any, store: Store) -> None:
    house.health.services = {**house.health.services, "stt": "LIVE"}
    session = Session(store, Options())
    session.start()
    await _until(lambda: store.notice is not None)

    assert store.notice is not None
    assert store.notice.text == (
        "the agent that runs uses stt LIVE, not SIM: R restarts it with the settings of now."
    )
    await session.close(stop=False)


async def test_an_agent_on_another_framework_is_told_apart(house: Any, store: Store) -> None:
    house.health.framework = "pipecat"
    session = Session(store, Options(framework="livekit"))
    session.start()
    await _until(lambda: store.notice is not None)

    assert store.notice is not None
    assert store.notice.text == (
        "the agent that runs is on pipecat, not livekit: R restarts it with the settings of now."
    )
    await session.close(stop=False)


async def test_a_ready_agent_is_asked_again_what_is_wrong(house: Any, store: Store, session: Session) -> None:
    house.health.problems = ["The agent is still loading."]
    await _until(lambda: store.linked)
    house.health.problems = ["OPENAI_API_KEY is not set."]
    await house.send(_event("agent.ready", 3, call="", host="127.0.0.1", port=1, startup_ms=5))

    await _until(lambda: store.problems == ["OPENAI_API_KEY is not set."])


async def test_an_agent_that_takes_no_calls_in_rooms_is_told_apart(house: Any, store: Store) -> None:
    house.health.services = {**house.health.services, "line": "LIVE"}
    house.health.framework = "livekit"
    session = Session(store, Options(rooms=True))
    session.start()
    await _until(lambda: store.notice is not None)

    assert store.notice is not None
    assert "the agent that runs takes no calls in rooms: R restarts" in store.notice.text
    await session.close(stop=False)


async def test_a_registered_worker_is_asked_again_what_is_wrong(
    house: Any, store: Store, session: Session
) -> None:
    house.health.problems = ["The agent is still registering as sidetone."]
    await _until(lambda: store.linked)
    house.health.problems = []
    await house.send(
        _event("worker.state", 3, call="", state="registered", agent_name="sidetone", url="ws://127.0.0.1:1")
    )

    await _until(lambda: store.problems == [])


async def test_a_simulator_that_cannot_speak_says_what_to_do(house: Any, store: Store) -> None:
    house.silence = 'Speech needs espeak-ng: run `pip install "sidetone[speech]"`.'
    session = Session(store, Options())
    session.start()
    await _until(lambda: store.silence == house.silence)

    assert store.notice is not None
    assert store.notice.level == "error"
    await session.close(stop=False)


async def test_a_remote_agent_is_followed_and_nothing_is_started(house: Any, store: Store) -> None:
    for name in ("agent", "simulator"):
        (paths.data_dir() / f"{name}.json").unlink()
    session = Session(store, Options(url=house.url, token="let me in"))
    session.start()
    await _until(lambda: store.linked and store.agent.phase == "up")
    assert await session.dial("+15550100177") == "c_1"
    await house.cut()
    await _until(lambda: store.agent.phase == "crashed")
    await _until(lambda: store.agent.phase == "up")

    assert store.simulator.phase == "off"
    assert await session.close(stop=True, attached=True) == []
    assert not (paths.data_dir() / "agent.out").exists()


async def test_a_wrong_token_is_said(house: Any, store: Store) -> None:
    session = Session(store, Options(url=house.url, token="wrong"))
    session.start()
    await _until(lambda: store.agent.phase == "crashed")

    assert store.agent.detail == "The agent refused the token."
    assert "wrong" not in repr(session._options)
    await session.close(stop=False)
