"""What LiveKit's services are asked for: the definition's settings, and none of the framework's own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from livekit import rtc
from livekit.agents import inference, stt
from websockets.asyncio.server import Server, ServerConnection, serve

from agent import definition
from agent.definition import Definition, TurnSettings, VadTurns
from agent.frameworks import livekit_services as services
from agent.frameworks import livekit_voice
from agent.settings import Service
from tests.agent.tap_house import BEGIN, SPEECH_STARTED, TERMINATION, turn

SILENCE = rtc.AudioFrame(bytes(800), 8000, 1, 400)


class Asked:
    """A service that tells how it was asked, and by whom."""

    def __init__(self) -> None:
        self.query: dict[str, str] = {}
        self.path = self.authorization = ""
        self.connected = asyncio.Event()

    async def serve(self, session: ServerConnection) -> None:
        assert session.request is not None
        parts = urlsplit(session.request.path)
        self.path, self.query = parts.path, dict(parse_qsl(parts.query, strict_parsing=True))
        self.authorization = session.request.headers["Authorization"]
        self.connected.set()
        await session.send(BEGIN)
        await session.send(SPEECH_STARTED)
        await session.send(turn("Hi there.", last=True))
        async for message in session:
            if isinstance(message, str) and "Terminate" in message:
                await session.send(TERMINATION)
                return


def persona(turns: str = "", **listening: object) -> Definition:
    text = 'name = "x"\ninstructions = "x"\ntrouble = "x"\ngreeting = { inbound = "x", outbound = "x" }\n'
    made = definition.parse(text + turns, definition.SHIPPED)
    for name, value in listening.items():
        setattr(made.listening, name, value)
    return made


async def connected(made: Definition) -> tuple[Asked, list[stt.SpeechEvent]]:
    """What AssemblyAI is asked by the plugin itself, and what the plugin makes of a turn."""
    asked = Asked()
    async with serve(asked.serve, "127.0.0.1", 0) as server, aiohttp.ClientSession() as http:
        url = f"ws://127.0.0.1:{port(server)}/assemblyai/token/v3/ws"
        heard: list[stt.SpeechEvent] = []
        async with services.speech_to_text(made, url, 8000, http).stream() as stream, asyncio.timeout(10):
            stream.push_frame(SILENCE)
            async for event in stream:
                heard.append(event)
                if event.type == stt.SpeechEventType.END_OF_SPEECH:
                    return asked, heard
    raise AssertionError("the plugin heard no end of a turn")


async def test_the_plugin_asks_for_nothing_that_the_definition_does_not_name() -> None:
    asked, heard = await connected(persona())

    assert asked.path == "/assemblyai/token/v3/ws"
    assert asked.authorization == "held by the tap"
    assert asked.query == {
        "sample_rate": "8000",
        "encoding": "pcm_s16le",
        "speech_model": "universal-3-6-pro",
        "mode": "balanced",
    }
    finals = [event for event in heard if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT]
    assert [final.alternatives[0].text for final in finals] == ["Hi there."]


async def test_the_plugin_asks_for_everything_that_the_definition_names() -> None:
    turns = "[turn.assemblyai]\nmax_turn_silence = 1500\ninterruption_delay = 200\n"
    made = persona(turns, keyterms=["Ada"], language_codes=["en", "es"], prompt="A clinic.",
                   session={"voice_focus": "near-field", "redact_pii": True})  # fmt: skip
    asked, _ = await connected(made)

    wanted = {"max_turn_silence": "1500", "interruption_delay": "200", "keyterms_prompt": '["Ada"]'}
    wanted |= {"language_codes": '["en", "es"]', "prompt": "A clinic.", "voice_focus": "near-field"}
    assert {**wanted, "redact_pii": "true"}.items() <= asked.query.items()
    assert "min_turn_silence" not in asked.query


@pytest.mark.parametrize(
    ("model", "silences"),
    [
        ("universal-3-6-pro", {"min_turn_silence": 100, "max_turn_silence": 100}),
        ("universal-streaming-english", {"min_turn_silence": 160, "end_of_turn_confidence_threshold": 1.0}),
    ],
)
def test_where_the_vad_ends_turns_the_service_ends_them_at_its_first_chance(
    model: str, silences: dict[str, float]
) -> None:
    query = services.stt_query(persona('[turn]\nended_by = "vad"\n', model=model), 8000)

    assert silences.items() <= query.items()
    assert "mode" not in query


async def test_a_tap_that_refuses_is_told_without_the_address_that_holds_its_token() -> None:
    async with aiohttp.ClientSession() as http:
        tap = services.TapSession(http, "ws://127.0.0.1:9/assemblyai/secret/v3/ws", {})
        with pytest.raises(services.APIConnectionError) as told:
            await tap.ws_connect("ignored")

    assert "secret" not in str(told.value)
    assert told.value.__cause__ is None


def test_turns_end_when_assemblyai_ends_them_and_nothing_is_resumed_or_begun_before() -> None:
    taking = services.turn_taking(TurnSettings())

    assert taking.get("turn_detection") == "stt"
    assert taking.get("endpointing", {}).get("min_delay") == 0
    assert taking.get("interruption", {}).get("resume_false_interruption") is False
    assert taking.get("preemptive_generation") == {"enabled": False}


async def test_the_vad_takes_the_definitions_values_and_threads_that_all_calls_share() -> None:
    settings = TurnSettings(ended_by="vad", vad=VadTurns(confidence=0.6, start_s=0.3, stop_s=0.4, wait_s=0.5))
    with ThreadPoolExecutor(1) as threads:
        made = services.voice_activity(settings, threads)
        assert isinstance(made, inference.VAD)
        assert made.min_silence_duration == 0.4
        assert services.voice_activity(TurnSettings(), threads) is None
    assert services.turn_taking(settings).get("endpointing", {}).get("min_delay") == pytest.approx(0.9)


@pytest.mark.parametrize("rate", [8000, 16000])
async def test_deepgram_is_asked_for_the_lines_own_rate(rate: int) -> None:
    asked = Asked()
    made = persona('[voice]\nname = "aura-2-luna-en"\nspeed = 1.2\n')
    async with serve(asked.serve, "127.0.0.1", 0) as server, aiohttp.ClientSession() as http:
        service = Service(f"ws://127.0.0.1:{port(server)}", "a key")
        voice = livekit_voice.text_to_speech(made, service, rate, http)
        assert voice.sample_rate == rate
        voice.prewarm()
        await asyncio.wait_for(asked.connected.wait(), 10)
        await voice.aclose()

    assert (asked.path, asked.authorization) == ("/v1/speak", "Token a key")
    wanted = {"model": "aura-2-luna-en", "speed": "1.2", "sample_rate": str(rate), "encoding": "linear16"}
    assert wanted.items() <= asked.query.items()


def port(server: Server) -> int:
    return next(iter(server.sockets)).getsockname()[1]
