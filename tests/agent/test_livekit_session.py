"""LiveKit's sessions on a line: what is cut off, what fails, and that nothing of a call is left."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from agent import events
from agent.carriers import Line
from agent.carriers.line_codec import LineFormat
from agent.frameworks.livekit_input import LineInput
from simulator.speech.synthesiser import Synthesiser
from tests.agent.framework_house import Stage, staged

PERSONA = """
name = "brief"
instructions = "You answer in few words."
trouble = "Something is wrong. Goodbye."
greeting = { inbound = "Hello.", outbound = "Hello there. How are you today?" }
"""
GREETING = "Hello there. How are you today?"
OF_A_CALL = {
    "AgentActivity._scheduling_task",
    "AgentSession._forward_audio_task",
    "AudioRecognition._stt_consumer",
    "Guards.after.<locals>.wait",
    "RecognizeStream._main_task",
    "SpeechStream._run.<locals>.recv_task",
}
"""What runs while a call does."""


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Any) -> AsyncIterator[Stage]:
    async with staged(tmp_path, monkeypatch, serve, PERSONA, "livekit") as made:
        yield made


async def greeted(stage: Stage) -> None:
    await stage.until(events.TurnAgentStopped, turn=0)


async def test_a_caller_who_cuts_in_is_heard_and_what_was_cut_off_does_not_come_back(stage: Stage) -> None:
    stage.voice.audio_ms = 60_000
    await stage.until(events.TurnAgentStarted, turn=0)
    await stage.caller.starts("But")
    cut = await stage.until(events.TurnInterrupted)
    cleared = await stage.until(events.MediaCleared)
    stage.voice.audio_ms = 200
    await stage.caller.says("But why?")

    assert (cut.by, cut.turn, cut.said) == ("caller", 0, GREETING)
    assert GREETING.startswith(cut.heard)
    assert cut.heard != GREETING
    assert cleared.dropped_ms <= 400
    assert await stage.model.request() == [("assistant", f"{cut.heard}—"), ("user", "But why?")]
    assert (await stage.until(events.TurnAgentStopped)).text == "Certainly."
    assert [event.text for event in stage.told if isinstance(event, events.TtsRequest)] == [GREETING, "Certainly."]
    assert stage.count(events.TurnInterrupted) == stage.count(events.MediaCleared) == 1


async def test_an_answer_is_spoken_sentence_by_sentence_and_is_one_answer(stage: Stage) -> None:
    await greeted(stage)
    stage.model.answers = ["We are open today. Tomorrow we are closed. Is that good for you?"]
    await stage.caller.says("When are you open?")
    stopped = await stage.until(events.TurnAgentStopped, turn=1)

    asked = [event.text for event in stage.told if isinstance(event, events.TtsRequest) and event.turn == 1]
    assert asked == ["We are open today.", "Tomorrow we are closed.", "Is that good for you?"]
    assert stopped.text == " ".join(asked)
    assert stopped.audio_ms == 600
    assert stage.count(events.TurnLatency) == 1


async def test_the_model_is_told_what_was_said_and_never_twice(stage: Stage) -> None:
    await greeted(stage)
    await stage.caller.says("Hi.")
    await stage.until(events.TurnAgentStopped, turn=1)
    await stage.caller.says("And now?")
    asked = await stage.until(events.LlmRequest)

    assert asked.messages == 2
    assert await stage.model.request() == [("assistant", GREETING), ("user", "Hi.")]
    assert (await stage.model.request())[2:] == [("assistant", "Certainly."), ("user", "And now?")]


async def test_what_an_operator_has_said_is_said_although_the_caller_is_still_speaking(stage: Stage) -> None:
    await greeted(stage)
    await stage.caller.starts("I would like to say that")
    await stage.until(events.TurnUserStarted)
    assert await stage.do("say", "One moment. I am looking.") == 200
    await stage.until(events.TurnAgentStarted, nth=2)
    await stage.caller.says("I would like to say that all is well.")

    # One text of an operator's is one request, and the caller's turn is answered after it.
    assert (await stage.until(events.TtsRequest, nth=2)).text == "One moment. I am looking."
    assert (await stage.model.request())[-1] == ("user", "I would like to say that all is well.")
    await stage.until(events.TurnAgentStopped, text="Certainly.")


async def test_a_turn_that_the_operator_ended_is_answered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Any
) -> None:
    by_vad = PERSONA + '[turn]\nended_by = "vad"\n'
    async with staged(tmp_path, monkeypatch, serve, by_vad, "livekit") as stage:
        await greeted(stage)
        await stage.caller.starts("I would like")
        await stage.until(events.SttTurn)
        path, body = f"/calls/{stage.call}/stt", {"end_turn": True, "who": "ann"}
        assert (await stage.house.http.post(path, json=body, headers=stage.house.bearer)).status_code == 200
        await stage.until(events.SttTuned, end_turn=True)
        await stage.caller.says("I would like to know.")
        await stage.until(events.TurnAgentStopped, text="Certainly.")

        assert await stage.model.request() == [("assistant", GREETING), ("user", "I would like to know.")]
        assert stage.count(events.LlmRequest) == stage.count(events.TurnUserStopped) == 1
        assert (await stage.until(events.TurnUserStopped)).decided_by == "vad"


async def test_a_cough_that_cuts_the_agent_off_does_not_leave_the_caller_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Any
) -> None:
    pytest.importorskip("espeakng_loader", reason="the local voice is missing: install sidetone[speech]")
    monkeypatch.setattr("agent.frameworks.livekit_session._NO_WORDS_S", 1.0)
    by_vad = PERSONA + '[turn]\nended_by = "vad"\n'
    async with staged(tmp_path, monkeypatch, serve, by_vad, "livekit") as stage:
        stage.voice.audio_ms = 60_000
        await stage.until(events.TurnAgentStarted, turn=0)
        await cough(stage)
        stopped = await stage.until(events.TurnUserStopped)
        await stage.until(events.TurnAgentStarted, nth=2)
        asked = await asyncio.wait_for(stage.model.asked.get(), 30)
        assert (stopped.text, stopped.decided_by) == ("", "vad")
        assert "cut you off" in asked[-1]["content"]

        # A noise that goes on is not talked to without end.
        await cough(stage)
        await stage.until(events.TurnUserStopped, nth=2)
        stage.voice.audio_ms = 200
        await stage.caller.says("I am here.")
        assert (await stage.model.request())[-1] == ("user", "I am here.")
        await stage.until(events.TurnAgentStopped, text="Certainly.")
        assert stage.count(events.TurnInterrupted) == stage.count(events.LlmRequest) == 2


async def test_words_that_the_recogniser_takes_back_do_not_leave_the_caller_in_silence(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.frameworks.livekit_session._NO_WORDS_S", 1.0)
    stage.voice.audio_ms = 60_000
    await stage.until(events.TurnAgentStarted, turn=0)
    await stage.caller.starts("Uh")
    await stage.until(events.TurnInterrupted)
    stage.voice.audio_ms = 200
    await stage.caller.says("")
    await stage.until(events.TurnAgentStopped, text="Certainly.")

    assert "cut you off" in (await stage.model.request())[-1][1]
    assert stage.count(events.LlmRequest) == 1


async def cough(stage: Stage) -> None:
    """The line hears a second of a voice that the recogniser makes nothing of, then silence."""
    synthesiser = Synthesiser()
    samples = (await synthesiser.speak("Excuse me, can you hear me? Hello?")).samples
    await synthesiser.close()
    encode = LineFormat("PCMU", 8000).encoder()
    quiet = bytes(16_000)
    heard = samples.tobytes() + quiet
    for at in range(0, len(heard), 320):
        payload = base64.b64encode(encode(heard[at : at + 320])).decode()
        await stage.telephone.send(json.dumps({"event": "media", "media": {"payload": payload}}))


async def test_an_answer_may_take_as_many_tools_as_the_model_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Any
) -> None:
    with_tool = (
        PERSONA
        + '[[tools]]\nname = "glance"\ndescription = "x"\nfunction = "tests.agent.framework_house:glance"\n'
    )
    async with staged(tmp_path, monkeypatch, serve, with_tool, "livekit") as stage:
        await greeted(stage)
        stage.model.answers = [*({"name": "glance", "arguments": "{}"} for _ in range(5)), "Five times."]
        await stage.caller.says("Look five times.")
        await stage.until(events.TurnAgentStopped, text="Five times.")

        assert stage.count(events.ToolReturned) == 5
        assert stage.count(events.LlmRequest) == stage.count(events.LlmDone) == 6


async def test_a_line_that_fails_is_over() -> None:
    class Broken:
        async def hear(self) -> None:
            raise OSError("cut")

    heard = LineInput(cast("Line", Broken()))
    with pytest.raises(OSError, match="cut"):
        await anext(heard)
    assert heard.over.is_set()


async def test_a_voice_that_is_gone_ends_the_call(stage: Stage) -> None:
    await greeted(stage)
    stage.voice.dies()
    await stage.caller.says("Hello?")
    await stage.until(events.CallEnded)

    errors = [event for event in stage.told if isinstance(event, events.Error)]
    assert [error.where for error in errors] == ["tts", "agent"]
    assert "DEEPGRAM_API_KEY" in errors[0].fix
    assert "the voice service does not work" in errors[1].message
    assert stage.hung_up


async def test_a_recogniser_that_is_gone_is_told_to_the_caller_and_ends_the_call(stage: Stage) -> None:
    await greeted(stage)
    await stage.caller.refuses()
    spoken = await stage.until(events.TtsRequest, nth=2)
    await stage.until(events.CallEnded)

    assert spoken.text == "Something is wrong. Goodbye."
    assert stage.hung_up


async def test_no_log_holds_the_token_of_a_call(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    await greeted(stage)
    call = stage.house.agent.calls.get(stage.call)
    assert call is not None
    await stage.caller.refuses()
    await stage.until(events.CallEnded)

    assert caplog.text
    assert call.stt_token not in caplog.text


async def test_nothing_of_a_call_is_left_once_it_is_over(stage: Stage) -> None:
    await greeted(stage)
    await stage.caller.says("Hi.")
    await stage.until(events.TurnAgentStarted, turn=1)
    assert clients() == 1
    assert tasks() >= OF_A_CALL
    await stage.telephone.send('{"event":"stop"}')
    await stage.telephone.close()
    await stage.until(events.MediaStopped)

    assert clients() == 0
    assert not tasks() & OF_A_CALL


def clients() -> int:
    """HTTP clients that are open; each call has one."""
    gc.collect()
    return sum(isinstance(one, aiohttp.ClientSession) and not one.closed for one in gc.get_objects())


def tasks() -> set[str]:
    """The functions that tasks are running."""
    return {task.get_coro().__qualname__ for task in asyncio.all_tasks()}  # type: ignore[union-attr]
