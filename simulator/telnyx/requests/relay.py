"""Conversation Relay: its settings on dial and answer, and the commands that start and stop it. Pure.

The simulator runs no relay; the tables are there so that a request is refused as Telnyx refuses it.
Source: the Conversation Relay schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189.
"""

from __future__ import annotations

from typing import Final, Never

from simulator.telnyx.requests.common import JSON_OBJECT, CommandSpec, command_table
from simulator.telnyx.requests.fields import Address, Choice, Dictionary, Flag, Kind, Many, Number, Object, Text
from simulator.telnyx.requests.voices import VOICE_SETTINGS

_SOCKET: Final = Address(("ws", "wss"))
_INTERRUPTIBLE: Final = Choice("none", "any", "speech", "dtmf")
_ENGINE: Final[dict[str, Kind]] = {
    "transcription_engine": Choice(
        "Google", "Telnyx", "Deepgram", "Azure", "xAI", "AssemblyAI", "Speechmatics", "Soniox", "A", "B"
    ),
    "transcription_engine_config": Object(
        {"eager_eot_threshold": Number(), "eot_threshold": Number(), "interim_results": Flag()}
    ),
}
_VOICE: Final[dict[str, Kind]] = {"tts_provider": Text(), "voice": Text(), "voice_settings": VOICE_SETTINGS}
_LANGUAGES: Final = Many(
    Object(
        {"language": Text(), "speech_model": Text(), "transcription_provider": Text(), **_ENGINE, **_VOICE},
        required=("language",),
    )
)
_SETTINGS: Final[dict[str, Kind]] = {
    "url": _SOCKET,
    "dtmf_detection": Flag(),
    "interruptible": _INTERRUPTIBLE,
    "interruptible_greeting": _INTERRUPTIBLE,
    "languages": _LANGUAGES,
}
_RELAY: Final[dict[str, Kind]] = {
    **_SETTINGS,
    **_ENGINE,
    **_VOICE,
    "custom_parameters": JSON_OBJECT,
    "greeting": Text(),
    "interruption_settings": Object(
        {
            "enable": Flag(),
            "interruptible": _INTERRUPTIBLE,
            "interruptible_greeting": _INTERRUPTIBLE,
            "welcome_greeting_interruptible": _INTERRUPTIBLE,
        }
    ),
    "language": Text(),
    "provider": Text(),
    "structured_provider": JSON_OBJECT,
}

RELAY_CONFIG: Final = Object(_RELAY, required=("url",))
"""`conversation_relay_config` of dial and answer."""

RELAY_COMMANDS: Final[dict[str, CommandSpec[Never]]] = {
    "conversation_relay_start": CommandSpec(
        command_table(
            {
                **_RELAY,
                "assistant": Object({"dynamic_variables": Dictionary(Text())}),
                "conversation_relay_dtmf_detection": Flag(),
                "conversation_relay_settings": Object(_SETTINGS, required=("url",)),
                "conversation_relay_url": _SOCKET,
                "transcription": JSON_OBJECT,
            }
        )
    ),
    "conversation_relay_stop": CommandSpec(command_table({})),
}
