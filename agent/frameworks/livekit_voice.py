"""The voice of a call's agent in LiveKit, at the line's own rate: nothing is resampled."""

from __future__ import annotations

from typing import Any

import aiohttp
from livekit.agents import tts
from livekit.plugins import deepgram, rime

from agent.definition import Definition
from agent.settings import Service


def text_to_speech(definition: Definition, service: Service, rate: int, http: aiohttp.ClientSession) -> tts.TTS:
    """The service that the definition names; ``rate`` in hertz.

    Deepgram over its WebSocket, Rime over ws3. Rime answers there when its buffer is empty, which the plugin takes
    for the end (livekit-plugins-rime 1.8.9 ``_legacy_websocket_adapter.py``): it is to speak at the end alone.
    """
    voice = definition.voice
    if voice.service == "rime":
        given: dict[str, Any] = {} if voice.rime_speed_alpha is None else {"speed_alpha": voice.rime_speed_alpha}
        return rime.TTS(
            base_url=service.url,
            use_websocket=True,
            model=voice.rime_model,
            speaker=voice.speaker,
            sample_rate=rate,
            segment="never",
            api_key=service.key,
            http_session=http,
            # The address is the operator's own setting.
            allow_custom_endpoint=True,
            **given,
        )
    return deepgram.TTS(
        model=voice.speaker,
        sample_rate=rate,
        speed=voice.speed,
        api_key=service.key,
        base_url=f"{service.url}/v1/speak",
        http_session=http,
    )
