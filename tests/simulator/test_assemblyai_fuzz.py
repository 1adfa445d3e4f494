"""Whatever is asked and sent: messages that AssemblyAI's SDK accepts, and an end with a reason."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import websockets
from assemblyai.streaming.v3 import models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.assemblyai.parameters import FORMER_NAMES, TABLE
from simulator.assemblyai.protocol import Heard
from simulator.assemblyai.settings import Settings
from simulator.assemblyai.turns import StreamingTurns
from simulator.speech.utterance import HeardWord, Hypothesis
from tests.simulator.assemblyai_house import hearing, spoken

SDK = {
    "Begin": models.BeginEvent,
    "SpeechStarted": models.SpeechStartedEvent,
    "Turn": models.TurnEvent,
    "Heartbeat": models.HeartbeatEvent,
    "Silence": models.SilenceEvent,
    "Warning": models.WarningEvent,
    "Error": models.ErrorEvent,
    "Termination": models.TerminationEvent,
}
WHOLE = {
    *("turn_order", "start", "end", "timestamp", "start_ms", "end_ms", "expires_at", "audio_ms"),
    *("audio_duration_seconds", "session_duration_seconds", "total_audio_received_ms", "total_duration_ms"),
    *("error_code", "warning_code"),
}
MAY_BE_NULL = {"mode", "domain", "voice_focus"}
SPEECH, WORDS = spoken(100, "Yes.", 300, "And then", 500)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
plausible = st.sampled_from(
    ["", "0", "1", "0.5", "-1", "100", "800", "8000", "nan", "1e9", "true", "False", "[]", '["en"]', "{}", "multi"]
    + [choice for parameter in TABLE.values() for choice in parameter.choices]
)
names = st.sampled_from([*TABLE, *FORMER_NAMES, "formatted_finals"]) | st.text(max_size=12)
right = st.sampled_from([(name, choice) for name, parameter in TABLE.items() for choice in parameter.choices])
queries = st.lists(right | st.tuples(names, plausible | st.text(max_size=20)), max_size=4)
updates = st.dictionaries(names, json_values | plausible, max_size=3).map(
    lambda fields: json.dumps(fields | {"type": "UpdateConfiguration"})
)
orders = st.sampled_from(["ForceEndpoint", "KeepAlive", "Terminate", "UpdateConfiguration", "Begin"]).map(
    lambda kind: json.dumps({"type": kind})
)
frames = st.lists(
    st.just("speech")
    | orders
    | updates
    | json_values.map(json.dumps)
    | st.text(max_size=20)
    | st.binary(max_size=3000),
    max_size=6,
)


def check(value: Any, key: str = "") -> None:
    """No null where a client would choke on it, and whole numbers where it wants them."""
    match value:
        case None:
            assert key in MAY_BE_NULL
        case dict():
            for name, inner in value.items():
                check(inner, name)
        case list():
            for inner in value:
                check(inner, key)
        case _:
            assert key not in WHOLE or type(value) is int, (key, value)


async def conversation(query: list[tuple[str, str]], sent: list[str | bytes]) -> tuple[list[dict[str, Any]], int]:
    """All messages, and the close code, of a session that is ended properly if it lasts so long."""
    async with hearing() as (stand_in, heard, _):
        heard.words = WORDS
        async with stand_in.session(urlencode(query)) as client:
            try:
                for one in sent:
                    if one == "speech":
                        await client.say(SPEECH)
                    else:
                        await client.socket.send(one)
                await client.send(type="Terminate")
            except websockets.ConnectionClosed:
                pass
            messages = await client.rest()
    return messages, client.socket.close_code or 0


words = st.builds(
    lambda text, start, length: HeardWord(text, start, start + length, 0.5),
    st.sampled_from(["Yes.", "no", "no", "the", "5", "5", ","]),
    st.integers(0, 3000),
    st.integers(0, 400),
)
looks = st.lists(
    st.tuples(st.sampled_from(["partial", "pause"]), st.lists(words, max_size=6), st.integers(0, 4000)), max_size=8
)


@settings(max_examples=60, deadline=None)
@given(looks, st.lists(words, max_size=6), st.booleans())
def test_no_change_of_mind_of_a_recogniser_changes_a_final_word(looks, last, partials):
    query = [("speech_model", "universal-streaming-english"), ("include_partial_turns", str(partials))]
    turns = StreamingTurns(Settings(query))
    told: list[Any] = []
    for moment, heard_words, audio_ms in looks:
        tell = turns.partial if moment == "partial" else turns.pause
        told += tell(Hypothesis(tuple(heard_words)), 0.1, Heard("ears", False, audio_ms))
    told += turns.final(Hypothesis(tuple(last)), 0.9, Heard("ears", False, 4000, "confidence"))
    final: tuple[Any, ...] = ()
    for turn in told:
        now = tuple(word for word in turn.words if word.word_is_final)
        assert now[: len(final)] == final
        assert turn.transcript == " ".join(word.text for word in now)
        final = now
    assert [turn.end_of_turn for turn in told[:-1]] == [False] * (len(told) - 1)
    assert " ".join(turn.utterance for turn in told if turn.utterance) == (told[-1].transcript if told else "")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(queries, frames)
def test_any_conversation_keeps_to_the_schema_and_ends_with_a_reason(query, sent):
    messages, code = asyncio.run(conversation(query, sent))
    for message in messages:
        SDK[message["type"]].model_validate(message)
        check(message)
    last = messages[-1]
    if last["type"] == "Error":
        assert code == last["error_code"]
    else:
        assert (last["type"], code) == ("Termination", 1000)
    assert [message["type"] for message in messages[:-1]].count("Begin") == (len(messages) > 1)
    orders = [message["turn_order"] for message in messages if message["type"] == "Turn"]
    assert orders == sorted(orders)
