"""LiveKit's services for one call, built from the agent definition so that no setting vanishes silently.

LiveKit's own defaults are replaced wherever they would decide what the definition decides: its plugin for
AssemblyAI asks for silences of 100 ms (livekit-plugins-assemblyai 1.8.9 ``stt.py``), its sessions wait 0.5 s after
an end of turn, go on with what was cut off, and begin to answer before a turn has ended (livekit-agents 1.8.9
``voice/turn.py``).
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Executor
from typing import Any, cast
from urllib.parse import urlencode

import aiohttp
from livekit.agents import APIConnectionError, APIStatusError, TurnHandlingOptions, inference, vad
from livekit.plugins import assemblyai, openai
from openai import AsyncOpenAI

from agent.definition import Definition, TurnSettings
from agent.stt_parameters import family

_FORCED_MS = 100
_FORCED_STREAMING = {"end_of_turn_confidence_threshold": 1.0, "min_turn_silence": 160}


class TapSession:
    """In the place of the plugin's HTTP session: opens its WebSocket at the tap with the definition's query.

    The plugin can leave none of its own values out, and has no argument for some of ours.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str, query: dict[str, Any]) -> None:
        self._http = http
        self.url = f"{url}?{urlencode({name: _plain(value) for name, value in query.items()})}"

    @property
    def closed(self) -> bool:
        return self._http.closed

    async def ws_connect(self, _url: str, **options: Any) -> aiohttp.ClientWebSocketResponse:
        try:
            return await self._http.ws_connect(self.url, **options)
        except aiohttp.WSServerHandshakeError as error:
            # Without the address, which holds the call's token and would be logged.
            raise APIStatusError("the tap refused the connection", status_code=error.status) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise APIConnectionError(f"the tap cannot be reached: {type(error).__name__}") from None


class SharedLlm(openai.LLM):
    """OpenAI's service on the client that all calls share, which was warmed once for all of them."""

    def prewarm(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        pass


def stt_query(definition: Definition, rate: int) -> dict[str, Any]:
    """The parameters of the AssemblyAI session; ``rate`` is of the line, in hertz.

    Where the VAD ends the turns, the service is to end them at its first chance: it is told to each time the VAD
    finds silence.
    """
    asked = definition.stt_parameters()
    if definition.turn.ended_by == "vad":
        if family(definition.listening.model) == "u3":
            asked |= {"min_turn_silence": _FORCED_MS, "max_turn_silence": _FORCED_MS}
        else:
            asked |= _FORCED_STREAMING
    return {"sample_rate": rate, "encoding": "pcm_s16le", **asked}


def speech_to_text(definition: Definition, url: str, rate: int, http: aiohttp.ClientSession) -> assemblyai.STT:
    """AssemblyAI through the tap at ``url``."""
    query = stt_query(definition, rate)
    known: dict[str, Any] = {}
    if "format_turns" in query:
        # The plugin passes on no final but the formatted one then.
        known["format_turns"] = bool(query["format_turns"])
    return assemblyai.STT(
        api_key="held by the tap",
        sample_rate=rate,
        model=cast("Any", query["speech_model"]),
        http_session=cast("aiohttp.ClientSession", TapSession(http, url, query)),
        **known,
    )


def language_model(definition: Definition, client: AsyncOpenAI) -> SharedLlm:
    return SharedLlm(model=definition.llm.model, client=client)


def voice_activity(settings: TurnSettings, executor: Executor) -> vad.VAD | None:
    """Silero on the threads of ``executor``; the model itself is one for the process.

    LiveKit's has no measure of loudness: ``min_volume`` does nothing here.
    """
    if settings.ended_by != "vad":
        return None
    asked = settings.vad
    return inference.VAD(
        min_speech_duration=asked.start_s,
        min_silence_duration=asked.stop_s,
        activation_threshold=asked.confidence,
        executor=executor,
    )


def turn_taking(settings: TurnSettings) -> TurnHandlingOptions:
    by_vad = settings.ended_by == "vad"
    # LiveKit counts its delay from the last speech, ours begins once the VAD has found silence.
    silence_s = settings.vad.stop_s + settings.vad.wait_s if by_vad else 0.0
    return {
        "turn_detection": "vad" if by_vad else "stt",
        "endpointing": {"mode": "fixed", "min_delay": silence_s, "max_delay": silence_s},
        "interruption": {
            "enabled": True,
            "mode": "vad",
            "min_duration": settings.vad.start_s,
            "min_words": 0,
            "discard_audio_if_uninterruptible": False,
            "resume_false_interruption": False,
            "false_interruption_timeout": None,
            "backchannel_boundary": None,
        },
        "preemptive_generation": {"enabled": False},
    }


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
