"""What operators do to a call whose agent is a listener of the test, over the agent's real doors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.server import serve

from agent import api, audio_wire, events
from agent.assemblyai_upstream import Upstream
from tests.agent.server_house import House, following
from tests.agent.step_in_house import LOUD, Recogniser, Scene, answered, microphone, payload

RETURNING = "I am back with you. Where were we?"
SILENCE = b"\0" * 320


@pytest.fixture
async def recogniser(house: House) -> AsyncIterator[Recogniser]:
    made = Recogniser()
    async with serve(made.serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        house.agent.calls.step_in._upstream = Upstream(f"ws://127.0.0.1:{port}/v3/ws", "key")
        yield made


@pytest.fixture
async def scene(house: House, recogniser: Recogniser, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr("agent.calls._WEBHOOK_WAIT_S", 0.1)
    async with answered(house, recogniser) as made:
        yield made


def take_back_at_once(scene: Scene) -> None:
    scene.house.agent.calls.step_in._take_back_s = 0.0


async def test_say_cuts_the_agent_off_and_has_its_voice_say_the_words(scene: Scene) -> None:
    await scene.agent_speaks()
    assert await scene.do("say", " One  moment,\nplease. ") == (200, "")

    await scene.from_agent("clear")
    cut = await scene.told("turn.interrupted")
    assert (cut.by, cut.said) == ("operator", "So far so good and much more")
    assert scene.asked == [("hush",), ("say", "One moment, please.")]
    said = await scene.told("operator.said")
    assert (said.who, said.text) == ("ann", "One moment, please.")
    assert not scene.line.held


async def test_a_whisper_reaches_the_agent_and_not_the_line(scene: Scene) -> None:
    assert await scene.do("whisper", "Offer her Friday.") == (200, "")

    whispered = await scene.told("operator.whispered")
    assert (whispered.who, whispered.text, whispered.spoken) == ("ann", "Offer her Friday.", False)
    assert scene.asked == [("whisper", "Offer her Friday.")]
    assert scene.line.mouth.sent_ms == 0


async def test_a_text_that_makes_no_sense_is_refused(scene: Scene) -> None:
    for action, text, why in (
        ("say", "  ", "nothing to say"),
        ("whisper", "", "nothing to whisper"),
        ("say", "x" * 1001, "too long"),
        ("mute", "now", "takes no text"),
    ):
        status, error = await scene.do(action, text)
        assert status == 400
        assert why in error
    assert scene.asked == []


async def test_a_muted_agent_is_silent_at_once_and_hears_on(scene: Scene) -> None:
    await scene.agent_speaks()
    assert await scene.do("mute") == (200, "")

    await scene.from_agent("clear")
    assert scene.line.audio_goes_out(LOUD) is None
    scene.job.turns.user_stopped("Hello?", decided_by="assemblyai", declared=1, last_voiced=1)
    assert (await scene.told("turn.user_stopped")).text == "Hello?"
    assert (await scene.desk())["muted_by"] == "ann"
    assert await scene.do("unmute", who="bob") == (200, "")
    assert scene.line.audio_goes_out(LOUD) is not None
    assert scene.asked == [("hold",), ("release", "")]
    assert (await scene.desk())["muted_by"] == ""


async def test_an_answer_that_an_operator_kept_waiting_has_no_latency(scene: Scene) -> None:
    turns = scene.job.turns
    await scene.do("mute")
    turns.user_stopped("Hello?", decided_by="assemblyai", declared=1, last_voiced=1)
    turns.tts_asked(2, "Too late")
    await scene.do("unmute")
    await scene.agent_speaks(2)

    await scene.told("turn.agent_started")
    assert not [line for line in scene.house.agent.stream.calls[scene.call].turns if line.total_ms is not None]


async def test_what_was_done_already_is_done_once(scene: Scene) -> None:
    for action in ("mute", "mute", "take_over", "take_over"):
        assert await scene.do(action) == (200, "")

    assert scene.asked == [("hold",)]
    desk = await scene.desk()
    assert (desk["muted_by"], desk["held_by"]) == ("", "ann")
    assert await scene.do("hand_back") == (200, "")
    assert scene.asked == [("hold",), ("release", "")]


async def test_what_cannot_be_done_says_who_is_in_the_way(scene: Scene) -> None:
    for action, why in (("unmute", "not muted"), ("hand_back", "Nobody holds")):
        assert why in await refused(scene, action)
    await scene.do("mute")
    for action in ("mute", "say"):
        assert "ann has muted" in await refused(scene, action)
    await scene.do("take_over")
    for action in ("take_over", "mute", "say", "unmute"):
        assert "ann holds the call" in await refused(scene, action)


async def refused(scene: Scene, action: str) -> str:
    status, error = await scene.do(action, "Hello." if action == "say" else "", who="bob")
    assert status == 409
    return error


async def test_the_caller_hears_the_one_who_took_over_and_nobody_else(scene: Scene) -> None:
    await scene.do("take_over")
    async with scene.audio("bob", to="caller") as other, scene.audio(to="caller") as link:
        await microphone(other, 5, SILENCE)
        await microphone(link, 2)
        assert await other.ping()
        await microphone(link, 2)
        heard = [payload(await scene.from_agent("media")) for _ in range(4)]

    assert set(heard) == {payload(json.loads(scene.line._goes_out(LOUD, by_operator=True)))}
    assert (await scene.told("operator.took_over")).who == "ann"


async def test_others_who_listen_hear_that_an_operator_speaks(scene: Scene) -> None:
    await scene.do("take_over")
    async with scene.audio("bob") as other, scene.audio(to="caller") as link:
        await microphone(link, 4)
        async with asyncio.timeout(10):
            while isinstance(message := await other.recv(), str):
                pass

    audio = audio_wire.decode(message)
    assert (audio.channel, audio.flags) == (audio_wire.AGENT, audio_wire.BY_OPERATOR)


async def test_the_agent_knows_what_was_said_when_it_has_the_call_again(scene: Scene) -> None:
    scene.recogniser.hears = ["This is Ann.", "You come on Friday."]
    await scene.do("take_over")
    async with scene.audio(to="caller") as link:
        await microphone(link, 20)
        await asyncio.wait_for(scene.recogniser.opened.wait(), 10)
        assert await scene.do("hand_back", who="bob") == (200, "")

    spoke = [("operator_spoke", text) for text in scene.recogniser.hears]
    assert scene.asked == [("hold",), *spoke, ("release", "")]
    back, words = await scene.told("operator.handed_back"), await scene.told("operator.spoke")
    assert (back.who, back.reason, words.who, words.text) == ("bob", "", "ann", "This is Ann.")
    assert words.seq < back.seq
    assert scene.recogniser.audio.strip(b"\0") == LOUD * 20
    assert "speech_model=universal-3-6-pro" in scene.recogniser.paths[0]
    assert "sample_rate=8000" in scene.recogniser.paths[0]


async def test_a_whisper_may_be_spoken(scene: Scene) -> None:
    scene.recogniser.hears = ["Offer her Friday."]
    async with scene.audio(to="agent") as link:
        await microphone(link, 5)
        await asyncio.wait_for(scene.recogniser.opened.wait(), 10)
        await link.send('{"type":"speak","to":"nobody"}')
        whispered = await scene.told("operator.whispered")

    assert (whispered.who, whispered.text, whispered.spoken) == ("ann", "Offer her Friday.", True)
    assert scene.asked == [("whisper", "Offer her Friday.")]
    assert scene.line.mouth.sent_ms == 0


async def test_an_operator_who_is_not_understood_is_heard_all_the_same(scene: Scene) -> None:
    scene.recogniser.failure = 1008, "Unauthorized Connection: Invalid API key"
    await scene.do("take_over")
    async with scene.audio(to="caller") as link:
        await microphone(link, 4)
        error = await scene.told("error")
        await microphone(link, 4)
        for _ in range(8):
            await scene.from_agent("media")

    assert "Invalid API key" in error.message
    assert len(scene.recogniser.paths) == 1
    assert (await scene.desk())["held_by"] == "ann"


async def test_the_agent_takes_the_call_back_when_the_holders_link_is_gone(scene: Scene) -> None:
    take_back_at_once(scene)
    async with scene.house.ws("/events?who=ann", **scene.house.bearer), scene.audio():
        await scene.do("take_over")
        assert (await scene.desk())["held_by"] == "ann"
        # The console is still there, but nothing that could speak to the caller.
    back = await scene.told("operator.handed_back")

    assert (back.who, back.reason) == ("ann", "lost")
    assert scene.asked == [("hold",), ("release", RETURNING)]
    assert not scene.line.held


async def test_a_link_that_comes_back_in_time_keeps_the_call(scene: Scene) -> None:
    step_in = scene.house.agent.calls.step_in
    async with scene.audio():
        await scene.do("take_over")
    async with scene.audio("bob"):
        assert step_in._desks[scene.call].take_back is not None
        async with scene.audio():
            assert step_in._desks[scene.call].take_back is None
            assert (await scene.desk())["held_by"] == "ann"


async def test_a_mute_is_lifted_when_nothing_of_its_owner_is_connected(scene: Scene) -> None:
    take_back_at_once(scene)
    async with scene.house.ws("/events?who=ann", **scene.house.bearer) as stream:
        await stream.recv()
        await scene.do("mute")
        async with scene.audio():
            await stream.close()
            await scene.do("whisper", "I am still here.")
            assert (await scene.desk())["muted_by"] == "ann"
    lifted = await scene.told("operator.muted", lambda event: not event.muted)

    assert (lifted.who, lifted.reason) == ("ann", "lost")
    assert scene.asked[-1] == ("release", RETURNING)


async def test_a_mute_is_lifted_although_nothing_happens_that_its_owner_could_be_told(scene: Scene) -> None:
    take_back_at_once(scene)
    async with scene.house.ws("/events?who=ann", **scene.house.bearer) as stream:
        told = following(stream)
        assert isinstance(await anext(told), api.Snapshot)
        await scene.do("mute")
        while not isinstance(await anext(told), events.OperatorMuted):
            pass
    lifted = await scene.told("operator.muted", lambda event: not event.muted)

    assert (lifted.who, lifted.reason) == ("ann", "lost")


async def test_a_call_that_ends_in_an_operators_hands_says_so_first(scene: Scene) -> None:
    scene.recogniser.hears = ["Goodbye."]
    await scene.do("take_over")
    async with scene.audio(to="caller") as link:
        await microphone(link, 10)
        await asyncio.wait_for(scene.recogniser.opened.wait(), 10)
        await scene.hang_up()
        back, ended = await scene.told("operator.handed_back"), await scene.told("call.ended")

    assert (back.who, back.reason) == ("ann", "ended")
    assert (await scene.told("operator.spoke")).seq < back.seq < ended.seq
    assert scene.asked == [("hold",)]
    status, error = await scene.do("hand_back")
    assert status == 409
    assert "ended" in error


async def test_before_the_agent_is_on_the_line_there_is_nothing_to_step_into(house: House) -> None:
    call = (await house.dial()).json()["call"]
    for action in ("take_over", "mute", "unmute", "hand_back"):
        path = f"/calls/{call}/operator"
        answer = await house.http.post(path, json={"action": action, "who": "ann"}, headers=house.bearer)
        assert answer.status_code == 409
        assert "not in the call yet" in answer.json()["error"]


async def test_an_agent_that_says_its_last_words_is_left_alone(scene: Scene) -> None:
    scene.house.framework.leaving = True
    await scene.agent_speaks()
    for action in ("say", "mute", "take_over"):
        assert "last words" in await refused(scene, action)
        assert not scene.line.held
    assert scene.line.mouth.sent_ms == 1000
    assert (await scene.desk())["held_by"] == ""


async def test_a_call_that_ends_while_it_is_taken_over_is_not_held(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding, over = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        holding.set()
        await over.wait()

    monkeypatch.setattr(scene.house.framework, "hold", hold)
    taking = asyncio.create_task(scene.do("take_over"))
    await asyncio.wait_for(holding.wait(), 10)
    await scene.hang_up()
    await scene.told("media.stopped")
    over.set()

    status, error = await taking
    assert (status, "ended" in error) == (409, True)
    await scene.told("call.ended")
    assert scene.house.agent.stream.calls[scene.call].desk.held_by == ""
    assert scene.house.agent.calls.step_in._desks == {}


async def test_a_voice_that_came_in_bursts_is_not_heard_late_for_ever(scene: Scene) -> None:
    await scene.do("take_over")
    async with scene.audio(to="caller") as link:
        await microphone(link, 100)
        await microphone(link, 10, SILENCE)
        await link.ping()
        await scene.do("whisper", "A round trip.")
        assert 0 < scene.line.mouth.sent_ms <= 440
