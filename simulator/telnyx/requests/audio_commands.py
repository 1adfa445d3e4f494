"""What Telnyx plays on a leg: speak, playback_start, playback_stop, send_dtmf. Pure.

Source: the command schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189; "API error codes".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.requests import languages
from simulator.telnyx.requests.common import LOOP, STOP, CommandSpec, command_table, loops
from simulator.telnyx.requests.fields import Address, Base64, Choice, Flag, Kind, Text, Whole
from simulator.telnyx.requests.numbers import DTMF_DIGITS, DTMF_WANTED
from simulator.telnyx.requests.rules import exclusive, one_of
from simulator.telnyx.requests.voices import VOICE_SETTINGS

Stop = Literal["all", "current", "overlay"]
Legs = Literal["self", "opposite", "both"]

_ISO_639: Final = re.compile(r"[a-z]{2}")
_LEGS: Final = Choice("self", "opposite", "both")

PAYLOAD: Final = Text(limit=3000, least=1, code=Code.PAYLOAD)


class SpokenLanguage(Choice):
    """One of the listed languages, or the two letters that Soniox's voices take."""

    def read(self, value: Any, pointer: str) -> str:
        if isinstance(value, str) and _ISO_639.fullmatch(value):
            return value
        return super().read(value, pointer)


SPOKEN_KINDS: Final[dict[str, Kind]] = {
    "payload": PAYLOAD,
    "voice": Text(least=1, code=Code.VOICE),
    "language": SpokenLanguage(*languages.SPOKEN, code=Code.LANGUAGE),
    "payload_type": Choice("text", "ssml", code=Code.PAYLOAD_TYPE),
    "service_level": Choice("basic", "premium", code=Code.SERVICE_LEVEL),
    "voice_settings": VOICE_SETTINGS,
}
"""What speak and gather_using_speak share."""


def basic_service(values: Mapping[str, Any], pointer: str) -> None:
    """The rule of `service_level` basic: plain text in en-US only."""
    if values.get("service_level") != "basic":
        return
    if values.get("payload_type", "text") != "text":
        detail = "The 'payload_type' parameter must be text when service_level is basic."
        raise TelnyxError(Code.PAYLOAD_TYPE, detail, f"{pointer}/payload_type")
    if values.get("language", "en-US") != "en-US":
        detail = "The 'language' parameter must be en-US when service_level is basic."
        raise TelnyxError(Code.LANGUAGE, detail, f"{pointer}/language")


@dataclass(frozen=True, slots=True)
class Speak:
    """`loops` None: until stopped. `stop`: what to stop before."""

    payload: str
    voice: str
    language: str | None = None
    is_ssml: bool = False
    loops: int | None = 1
    stop: Stop | None = None
    target_legs: Legs = "self"


@dataclass(frozen=True, slots=True)
class Play:
    """Exactly one of `audio_url`, `media_name` and `content`, the bytes of a WAV or MP3 file, is there."""

    audio_url: str | None = None
    media_name: str | None = None
    content: bytes | None = None
    loops: int | None = 1
    overlay: bool = False
    stop: Stop | None = None
    target_legs: Legs = "self"


@dataclass(frozen=True, slots=True)
class StopPlayback:
    stop: Stop = "all"


@dataclass(frozen=True, slots=True)
class SendDtmf:
    """`w` among the digits is a pause of 0.5 s, `W` of 1 s."""

    digits: str
    duration_ms: int = 250


def _speak(values: Mapping[str, Any]) -> Speak:
    return Speak(
        payload=values["payload"],
        voice=values["voice"],
        language=values.get("language"),
        is_ssml=values.get("payload_type") == "ssml",
        loops=loops(values),
        stop=values.get("stop"),
        target_legs=values.get("target_legs", "self"),
    )


def _play(values: Mapping[str, Any]) -> Play:
    content = values.get("playback_content")
    return Play(
        audio_url=values.get("audio_url"),
        media_name=values.get("media_name"),
        content=None if content is None else base64.b64decode(content),
        loops=loops(values),
        overlay=values.get("overlay", False),
        stop=values.get("stop"),
        target_legs=values.get("target_legs", "self"),
    )


_SOURCES: Final = ("audio_url", "media_name", "playback_content")
_PLAYBACK: Final[dict[str, Kind]] = {
    "audio_url": Address(),
    "media_name": Text(least=1),
    "playback_content": Base64(code=Code.INVALID_VALUE),
    "loop": LOOP,
    "overlay": Flag(),
    "stop": STOP,
    "target_legs": _LEGS,
}

AUDIO_COMMANDS: Final[dict[str, CommandSpec[Speak | Play | StopPlayback | SendDtmf]]] = {
    "speak": CommandSpec(
        command_table(
            {**SPOKEN_KINDS, "loop": LOOP, "stop": STOP, "target_legs": _LEGS},
            required=("payload", "voice"),
            rules=(basic_service,),
        ),
        _speak,
        # The simulator has one voice, so what shapes a voice is heard in no way.
        frozenset({"payload", "voice", "language", "payload_type", "loop", "stop", "target_legs"}),
    ),
    "playback_start": CommandSpec(
        command_table(
            {**_PLAYBACK, "audio_type": Choice("mp3", "wav"), "cache_audio": Flag()},
            rules=(one_of(*_SOURCES), exclusive(*_SOURCES)),
        ),
        _play,
        # The file's own header says what it is, and there is nothing to gain from a cache.
        frozenset({*_PLAYBACK, "audio_type", "cache_audio"}),
    ),
    "playback_stop": CommandSpec(
        command_table({"stop": STOP, "overlay": Flag()}),
        lambda values: StopPlayback("overlay" if values.get("overlay") else values.get("stop", "all")),
        frozenset({"stop", "overlay"}),
    ),
    "send_dtmf": CommandSpec(
        command_table(
            {
                "digits": Text(code=Code.DIGITS, pattern=DTMF_DIGITS, wanted=DTMF_WANTED, limit=1000, least=1),
                "duration_millis": Whole(100, 500, code=Code.DTMF_DURATION),
            },
            required=("digits",),
        ),
        lambda values: SendDtmf(values["digits"], values.get("duration_millis", 250)),
        frozenset({"digits", "duration_millis"}),
    ),
}
