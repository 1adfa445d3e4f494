"""The v3 stand-in through real sockets: by its wire, and by Pipecat's client."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import websockets

from simulator.audio import resample, ulaw_encode
from simulator.faults import Fault
from tests.simulator.assemblyai_house import Running, finals, running, turns

FIRST = "Hello, this is Anna Kowalski, I would like to book an appointment."
SECOND = "No thank you, that's all."

needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="espeakng_loader is not installed"
)


@pytest.fixture
async def stand_in() -> AsyncIterator[Running]:
    async with running() as stand_in:
        yield stand_in


@pytest.fixture
async def knowing(stand_in: Running) -> Running:
    """A stand-in to which two lines may be said."""
    await stand_in.speech.vocabulary.add([FIRST, SECOND])
    return stand_in


async def test_a_session_without_speech(stand_in):
    async with stand_in.session("speech_model=universal-3-5-pro&unheard_of=1&speaker_labels=True") as client:
        await client.say(np.zeros(16000, np.int16))
        await client.send(type="KeepAlive")
        await client.send(type="Terminate")
        begin, termination = await client.rest()
    assert begin["type"] == "Begin"
    assert isinstance(begin["expires_at"], int)
    assert begin["configuration"] == {
        "model": "universal-3-5-pro",
        "mode": "balanced",
        "api_version": "2025-05-12",
        "speaker_labels": True,
        "redact_pii": False,
        "filter_profanity": False,
        "domain": None,
        "voice_focus": None,
    }
    assert termination == {"type": "Termination", "audio_duration_seconds": 2, "session_duration_seconds": 0}
    assert (client.socket.close_code, client.socket.close_reason) == (1000, "Session Ended")


@needs_espeak
async def test_two_turns_in_the_order_and_shape_of_the_service(knowing):
    async with knowing.session() as client:
        await client.say(await knowing.line(200, FIRST, 1000, SECOND, 1000))
        await client.send(type="Terminate")
        messages = await client.rest()
    kinds = [message["type"] for message in messages]
    assert kinds[0] == "Begin"
    assert kinds[-1] == "Termination"
    assert kinds.count("SpeechStarted") == 2
    for order, line in enumerate((FIRST, SECOND)):
        of_turn = [message for message in turns(messages) if message["turn_order"] == order]
        started = messages[messages.index(of_turn[0]) - 1]
        assert started["type"] == "SpeechStarted"
        assert started["timestamp"] == of_turn[0]["words"][0]["start"]
        assert isinstance(started["timestamp"], int)
        *partials, final = of_turn
        assert partials
        assert [turn["end_of_turn"] for turn in partials] == [False] * len(partials)
        assert all(line.startswith(turn["transcript"]) and turn["utterance"] == "" for turn in partials)
        assert all(not word["word_is_final"] for turn in partials for word in turn["words"])
        assert final["transcript"] == final["utterance"] == line
        assert final["end_of_turn"] is final["turn_is_formatted"] is True
        assert final["end_of_turn_confidence"] == 1.0
        heard = final["simulator"]
        assert (heard["recogniser"], heard["rough"], heard["ended_by"]) == ("script", False, "confidence")
        assert final["words"][-1]["end"] < heard["audio_ms"]
        assert all(turn["simulator"]["ended_by"] == "" for turn in partials)
        assert [word["text"] for word in final["words"]] == line.split()
        assert all(word["word_is_final"] for word in final["words"])
        assert all(type(word[key]) is int for word in final["words"] for key in ("start", "end"))
        assert "language_code" not in final


@needs_espeak
async def test_a_line_cut_off_is_held_until_the_longest_silence(knowing):
    cut = (await knowing.line(200, FIRST))[: 8 * 1500]
    async with knowing.session("mode=min_latency") as client:
        await client.say(np.concatenate([cut, await knowing.line(2000)]))
        await client.send(type="Terminate")
        said = turns(await client.rest())
    held = [turn["end_of_turn_confidence"] for turn in said if turn["transcript"] == said[-1]["transcript"]]
    assert held == sorted(held)
    assert held[-3:] == [0.4, 0.75, 1.0]
    assert FIRST.startswith(said[-1]["transcript"])
    assert len([turn for turn in said if turn["end_of_turn"]]) == 1


@needs_espeak
async def test_force_endpoint_ends_the_turn_and_the_rest_becomes_the_next(knowing):
    samples = await knowing.line(200, FIRST)
    async with knowing.session() as client:
        await client.say(samples[: 8 * 1500])
        await client.send(type="ForceEndpoint")
        first = (await client.until_final())[-1]
        await client.say(samples[8 * 1500 :])
        await client.send(type="ForceEndpoint")
        second = (await client.until_final())[-1]
        await client.send(type="ForceEndpoint")
        await client.send(type="Terminate")
        assert [message["type"] for message in await client.rest()] == ["Termination"]
    assert (first["turn_order"], second["turn_order"]) == (0, 1)
    assert FIRST.startswith(first["transcript"])
    assert FIRST.endswith(second["transcript"])


@needs_espeak
@pytest.mark.parametrize("model", ["universal-3-6-pro", "universal-streaming-english"])
async def test_more_min_turn_silence_ends_the_turn_later(knowing, model):
    samples = await knowing.line(200, SECOND, 1600)
    ends = []
    for silence in (100, 800):
        query = f"speech_model={model}&min_turn_silence={silence}&max_turn_silence=1500"
        (final,) = finals(await knowing.hear(samples, query))
        assert final["simulator"]["ended_by"] == "confidence"
        ends.append(final["simulator"]["audio_ms"])
    assert 600 <= ends[1] - ends[0] <= 800


@needs_espeak
async def test_a_vad_threshold_of_one_hears_nobody(knowing):
    samples = await knowing.line(200, SECOND, 800)
    assert finals(await knowing.hear(samples, "vad_threshold=0"))
    assert not turns(await knowing.hear(samples, "vad_threshold=1"))


@needs_espeak
async def test_without_audio_nothing_ends_until_terminate(knowing):
    async with knowing.session() as client:
        await client.say(await knowing.line(200, FIRST, 100))
        await client.send(type="Terminate")
        *_, final, termination = await client.rest()
    assert final["transcript"] == FIRST
    assert termination["type"] == "Termination"


@needs_espeak
async def test_a_client_that_vanishes_in_the_middle_of_a_word_leaves_nothing_behind(knowing, caplog):
    with caplog.at_level("INFO"):
        async with knowing.session() as client:
            await client.say((await knowing.line(200, FIRST))[: 8 * 1500])
            client.socket.transport.abort()
        async with knowing.session() as client:
            await client.send(type="Terminate")
            await client.rest()
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert not [record for record in errors if record.name.startswith(("simulator", "uvicorn"))]


@needs_espeak
async def test_an_update_counts_from_the_next_audio(knowing):
    cut = (await knowing.line(200, FIRST))[: 8 * 1500]
    async with knowing.session() as client:
        await client.say(np.concatenate([cut, await knowing.line(500)]))
        await client.send(type="UpdateConfiguration", max_turn_silence=200, agent_context="How can I help?")
        await client.say(await knowing.line(100))
        final = (await client.until_final())[-1]
    assert FIRST.startswith(final["transcript"])


@needs_espeak
@pytest.mark.parametrize("query", ["include_partial_turns=false", "language_detection=true"])
async def test_options_of_the_messages(knowing, query):
    async with knowing.session(query) as client:
        await client.say(await knowing.line(200, SECOND, 1000))
        await client.send(type="Terminate")
        messages = await client.rest()
    if "partial" in query:
        assert [message["type"] for message in messages] == ["Begin", "SpeechStarted", "Turn", "Termination"]
    else:
        assert not any("language_code" in turn for turn in turns(messages)[:-1])
        assert turns(messages)[-1]["language_code"] == "en"


@needs_espeak
@pytest.mark.parametrize("format_turns", [True, False])
async def test_the_older_model_sends_word_by_word_and_formats_when_asked(knowing, format_turns):
    async with knowing.session(
        f"speech_model=universal-streaming-english&format_turns={format_turns}&encoding=pcm_mulaw"
    ) as client:
        samples = await knowing.line(200, SECOND, 1000)
        for start in range(0, len(samples), 400):
            await client.socket.send(ulaw_encode(samples[start : start + 400]))
        await client.send(type="Terminate")
        messages = await client.rest()
    assert messages[0]["configuration"]["mode"] is None
    assert "SpeechStarted" not in {message["type"] for message in messages}
    said = [turn for turn in turns(messages) if turn["turn_order"] == 0]
    partials = [turn for turn in said if not turn["end_of_turn"]]
    assert [word["word_is_final"] for word in partials[-1]["words"]] == [True] * 4 + [False]
    assert partials[-1]["transcript"] == "no thank you that's"
    raw, *formatted = [turn for turn in said if turn["end_of_turn"]]
    assert (raw["transcript"], raw["turn_is_formatted"]) == ("no thank you that's all", False)
    assert raw["utterance"] == raw["transcript"]
    assert [turn["transcript"] for turn in formatted] == ([SECOND] if format_turns else [])
    assert turns(messages)[-1]["words"] == []


@pytest.mark.parametrize(
    ("query", "key", "code", "text"),
    [
        ("", None, 1008, "Unauthorized Connection: Missing Authorization header"),
        ("", "Bearer any", 1008, "Unauthorized Connection: Invalid API key"),
        ("mode=fast", "any", 3006, "User Input Validation Error: Invalid 'mode'"),
        ("sample_rate=8001", "any", 3006, "User Input Validation Error: Invalid 'sample_rate'"),
    ],
)
async def test_what_is_refused_is_refused_after_the_upgrade_by_an_error(stand_in, query, key, code, text):
    async with stand_in.session(query, key) as client:
        (error,) = await client.rest()
    assert error["type"] == "Error"
    assert error["error_code"] == client.socket.close_code == code
    assert error["error"].startswith(text)
    assert client.socket.close_reason == "See Error message for details"


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        ('{"type":"Bogus"}', 3006, "Invalid Message Type: Bogus"),
        ("{", 3006, "User Input Validation Error: Invalid JSON: Expecting property name"),
        ("[]", 3006, "Invalid Message: []"),
        ("[" * 100_000, 3006, "User Input Validation Error: Invalid JSON"),
        ('{"type":' + "1" * 5000 + "}", 3006, "User Input Validation Error: Invalid JSON"),
        ('{"type":"\\ud800"}', 3006, "Invalid Message Type: ?"),
        ('{"type":"UpdateConfiguration","max_turn_silence":"long"}', 3006, "User Input Validation Error: Invalid"),
        (bytes(16 * 1200), 3007, "Input Duration Error: Input Duration Violation: 1200.0 ms. Expected between 50"),
    ],
)
async def test_a_message_that_makes_no_sense_ends_the_session(stand_in, message, code, text):
    async with stand_in.session() as client:
        await client.socket.send(message)
        _, error = await client.rest()
    assert (error["error_code"], client.socket.close_code) == (code, code)
    assert error["error"].startswith(text)


async def test_short_messages_are_borne_for_about_a_second(stand_in):
    async with stand_in.session() as client:
        await client.say(np.zeros(160 * 48, np.int16), message_ms=20)
        await client.say(np.zeros(400, np.int16))
        await client.say(np.zeros(160 * 60, np.int16), message_ms=20)
        _, error = await client.rest()
    assert (
        error["error"]
        == "Input Duration Error: Input Duration Violation: 20.0 ms. Expected between 50 and 1000 ms"
    )


async def test_an_odd_byte_does_not_shift_the_audio(stand_in):
    async with stand_in.session() as client:
        for _ in range(20):
            await client.socket.send(bytes(801))
        await client.send(type="Terminate")
        *_, termination = await client.rest()
    assert termination["audio_duration_seconds"] == 1


@pytest.mark.parametrize(("status", "text"), [(401, "no"), (503, "")])
async def test_a_fault_at_connect_can_be_an_http_refusal(stand_in, status, text):
    stand_in.faults.set("assemblyai", Fault("connect", code=status, text=text))
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with stand_in.session():
            pass
    assert refused.value.response.status_code == status
    async with stand_in.session() as client:
        assert json.loads(await client.socket.recv())["type"] == "Begin"


async def test_a_fault_at_connect_can_be_an_error(stand_in):
    stand_in.faults.set("assemblyai", Fault("connect", code=3009))
    async with stand_in.session() as client:
        assert await client.rest() == [
            {"type": "Error", "error_code": 3009, "error": "Unauthorized Connection: Too many concurrent sessions"}
        ]
    assert client.socket.close_code == 3009


@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        (Fault("after_ms", after_ms=1000, code=3008), ["Session Expired: Maximum session duration exceeded"]),
        (Fault("after_ms", after_ms=1000, code=3005, text="Lost."), ["Lost."]),
        (Fault("after_ms", after_ms=1000, code=1011), []),
    ],
)
async def test_a_fault_after_some_audio(stand_in, fault, errors):
    stand_in.faults.set("assemblyai", fault)
    async with stand_in.session() as client:
        await client.say(np.zeros(950 * 8, np.int16))
        await client.send(type="KeepAlive")
        await client.say(np.zeros(50 * 8, np.int16))
        begin, *rest = await client.rest()
    assert begin["type"] == "Begin"
    assert [message["error"] for message in rest] == errors
    assert client.socket.close_code == fault.code


async def run_in_pipecat(stand_in: Running, samples: np.ndarray, rate: int, **options: Any) -> list[Any]:
    """What Pipecat's own service makes of `samples`, as the frames it pushes downstream."""
    from pipecat.frames.frames import InputAudioRawFrame
    from pipecat.pipeline.worker import PipelineParams
    from pipecat.services.assemblyai.stt import AssemblyAISTTService
    from pipecat.tests.utils import run_test

    service = AssemblyAISTTService(api_key="any", api_endpoint_base_url=stand_in.url, **options)
    step = rate // 50
    frames = [
        InputAudioRawFrame(samples[start : start + step].tobytes(), rate, 1)
        for start in range(0, len(samples), step)
    ]
    down, _ = await run_test(
        service, frames_to_send=frames, pipeline_params=PipelineParams(audio_in_sample_rate=rate), start_timeout=30
    )
    return [frame for frame in down if not isinstance(frame, InputAudioRawFrame)]


@needs_espeak
@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("forced", [True, False])
async def test_pipecat_hears_each_line_once(knowing, monkeypatch, rate, forced):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    from pipecat.frames.frames import (
        ErrorFrame,
        InterimTranscriptionFrame,
        ProposedUserStartedSpeakingFrame,
        ProposedUserStoppedSpeakingFrame,
        TranscriptionFrame,
    )

    samples = resample(await knowing.line(200, FIRST, 1000, SECOND, 1000), 8000, rate)
    frames = await run_in_pipecat(knowing, samples, rate, vad_force_turn_endpoint=forced)
    assert [frame.text for frame in frames if type(frame) is TranscriptionFrame] == [FIRST, SECOND]
    assert any(isinstance(frame, InterimTranscriptionFrame) for frame in frames)
    assert not any(isinstance(frame, ErrorFrame) for frame in frames)
    marks = [
        type(frame)
        for frame in frames
        if isinstance(frame, ProposedUserStartedSpeakingFrame | ProposedUserStoppedSpeakingFrame)
    ]
    once = [ProposedUserStartedSpeakingFrame, ProposedUserStoppedSpeakingFrame]
    assert marks == ([] if forced else once * 2)
