"""What stepping in does to the agents of both frameworks: what is asked of the model, when, and what is heard."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from agent import events
from tests.agent.framework_house import Stage, staged
from tests.agent.step_in_house import microphone

PERSONA = """
name = "brief"
instructions = "You answer in few words."
trouble = "Something is wrong. Goodbye."
returning = "I am back."
greeting = { inbound = "Hello.", outbound = "Hello." }

[[tools]]
name = "look"
description = "Look something up."
function = "tests.agent.framework_house:look"
"""
BY_COLLEAGUE = "(A colleague spoke to the caller in your place:)"


@pytest.fixture(params=["pipecat", "livekit"])
async def stage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Any
) -> AsyncIterator[Stage]:
    async with staged(tmp_path, monkeypatch, serve, PERSONA, request.param) as made:
        yield made


async def greeted(stage: Stage) -> None:
    await stage.until(events.TurnAgentStopped, turn=0)


async def test_a_whisper_comes_before_what_is_still_to_be_answered(stage: Stage) -> None:
    await greeted(stage)
    await stage.do("whisper", "Offer her Friday.")
    await stage.caller.says("Hi there.")

    greeting, (role, guidance), question = await stage.model.request()
    assert (greeting, question) == (("assistant", "Hello."), ("user", "Hi there."))
    assert role == "developer"
    assert guidance.endswith("\nOffer her Friday.")
    await stage.until(events.TurnAgentStopped, turn=1)
    assert stage.count(events.TtsRequest) == 2


async def test_a_muted_agent_asks_nothing_and_answers_what_was_said_meanwhile(stage: Stage) -> None:
    await greeted(stage)
    stage.model.free.clear()
    await stage.caller.says("Hi there.")
    assert (await stage.model.request())[-1] == ("user", "Hi there.")
    await stage.do("mute")
    stage.model.free.set()
    await stage.caller.says("Are you still there?")
    await stage.until(events.TurnUserStopped, turn=2)
    assert (stage.count(events.LlmRequest), stage.count(events.TurnAgentStarted)) == (1, 1)
    await stage.do("unmute")

    asked = await stage.model.request()
    assert asked == [("assistant", "Hello."), ("user", "Hi there."), ("user", "Are you still there?")]
    assert (await stage.until(events.TurnAgentStopped, turn=2)).text == "Certainly."
    assert (stage.count(events.LlmRequest), stage.count(events.TurnLatency)) == (2, 0)
    await stage.caller.says("Good.")
    assert (await stage.until(events.TurnLatency)).turn == 3


async def test_a_tool_that_an_operator_cut_off_is_settled_before_the_next_question(stage: Stage) -> None:
    await greeted(stage)
    stage.model.answers = [{"name": "look", "arguments": "{}"}]
    await stage.caller.says("What is there?")
    await stage.model.request()
    await stage.until(events.ToolCalled)
    await stage.do("mute")
    await stage.do("whisper", "There is nothing.")
    await stage.caller.says("Hello?")
    await stage.until(events.TurnUserStopped, turn=2)
    await stage.do("unmute")

    asked = await stage.model.request()
    roles = ["assistant", "developer", "user", "assistant", "tool", "user"]
    assert [role for role, _ in asked] == roles
    assert (asked[-2], asked[-1]) == (("tool", "CANCELLED"), ("user", "Hello?"))


async def test_what_a_colleague_said_counts_as_an_answer_and_is_known_afterwards(stage: Stage) -> None:
    await greeted(stage)
    stage.caller.operator_says = ["I am Daniel."]
    await stage.do("take_over")
    await stage.caller.says("Who is this?")
    await stage.until(events.TurnUserStopped, turn=1)
    address = f"ws://127.0.0.1:{stage.house.port}/calls/{stage.call}/audio?who=ann"
    async with connect(address, proxy=None, additional_headers=stage.house.bearer, max_queue=None) as link:
        await link.send(json.dumps({"type": "speak", "to": "caller"}))
        await microphone(link, 10)
        await asyncio.wait_for(stage.caller.operator_listens.wait(), 10)
        # The caller speaks while the operator does, whose voice goes on.
        await stage.caller.starts("Thank")
        await stage.until(events.TurnUserStarted, turn=2)
        await stage.do("hand_back")
    assert stage.count(events.LlmRequest) == stage.count(events.MediaCleared) == 0
    await stage.caller.says("Thank you.")

    assert await stage.model.request() == [
        ("assistant", "Hello."),
        ("user", "Who is this?"),
        ("assistant", f"{BY_COLLEAGUE} I am Daniel."),
        ("user", "Thank you."),
    ]
    assert (await stage.until(events.TurnAgentStopped, turn=2)).text == "Certainly."


async def test_a_question_is_answered_although_the_colleague_before_it_was_understood_later(stage: Stage) -> None:
    await greeted(stage)
    stage.caller.operator_says = ["One moment."]
    await stage.do("take_over")
    address = f"ws://127.0.0.1:{stage.house.port}/calls/{stage.call}/audio?who=ann"
    async with connect(address, proxy=None, additional_headers=stage.house.bearer, max_queue=None) as link:
        await link.send(json.dumps({"type": "speak", "to": "caller"}))
        await microphone(link, 10)
        await asyncio.wait_for(stage.caller.operator_listens.wait(), 10)
        await stage.caller.says("Are you open?")
        await stage.until(events.TurnUserStopped, turn=1)
        await stage.do("hand_back")

    asked = await stage.model.request()
    assert asked[1:] == [("assistant", f"{BY_COLLEAGUE} One moment."), ("user", "Are you open?")]


async def test_a_greeting_that_was_cut_off_is_known_as_far_as_it_was_heard(stage: Stage) -> None:
    stage.voice.audio_ms = 5_000
    await stage.until(events.TurnAgentStarted, turn=0)
    await stage.do("mute")
    cut = await stage.until(events.TurnInterrupted)
    assert (cut.by, cut.said, cut.heard) == ("operator", "Hello.", "")
    await stage.do("unmute")
    await stage.caller.says("Hello?")

    assert await stage.model.request() == [("assistant", "—"), ("user", "Hello?")]


async def test_said_words_take_the_place_of_the_answer_and_may_be_cut_off_themselves(stage: Stage) -> None:
    await greeted(stage)
    stage.voice.audio_ms = 5_000
    await stage.caller.says("Hi there.")
    await stage.model.request()
    await stage.until(events.TurnAgentStarted, turn=1)
    await stage.do("say", "One moment.")
    await stage.until(events.TtsRequest, text="One moment.")
    await stage.until(events.TurnInterrupted, by="operator", said="Certainly.")
    await stage.until(events.TurnAgentStarted, nth=3)
    await stage.caller.starts("But")
    cut = await stage.until(events.TurnInterrupted, by="caller")
    await stage.caller.says("But why?")

    assert cut.said == "One moment."
    asked = await stage.model.request()
    assert [role for role, _ in asked] == ["assistant", "user", "assistant", "assistant", "user"]
    assert asked[-1] == ("user", "But why?")


async def test_a_recogniser_that_dies_in_an_operators_hands_ends_the_call_only_after_them(stage: Stage) -> None:
    await greeted(stage)
    await stage.do("take_over")
    await stage.caller.refuses()
    told = await stage.until(events.Error, where="agent")
    assert "cannot go on alone" in told.message
    await still_there(stage)
    assert await stage.do("hand_back") == 200

    await stage.until(events.TtsRequest, text="Something is wrong. Goodbye.")
    await stage.until(events.CallEnded)
    assert stage.hung_up


# LiveKit looks at its voice when there is something to say.
@pytest.mark.parametrize("stage", ["pipecat"], indirect=True)
async def test_a_voice_that_dies_in_an_operators_hands_ends_the_call_only_after_them(stage: Stage) -> None:
    await greeted(stage)
    await stage.do("take_over")
    stage.voice.dies()
    await stage.until(events.Error, where="agent")
    await still_there(stage)
    assert await stage.do("hand_back") == 200

    await stage.until(events.CallEnded)
    assert stage.hung_up


async def still_there(stage: Stage) -> None:
    await stage.telephone.send('{"event":"dtmf","dtmf":{"digit":"5"}}')
    await stage.until(events.CallDtmf)
    assert not stage.hung_up
