"""Speech recognition: the engines of transcription_start and what each can be told. Pure.

Source: the transcription engine schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from simulator.telnyx.requests import languages
from simulator.telnyx.requests.common import EVERY_COMMAND, CommandSpec, command_table
from simulator.telnyx.requests.fields import (
    Choice,
    Dictionary,
    Flag,
    Kind,
    Many,
    Number,
    Object,
    Tagged,
    Text,
    Whole,
)

_TAG: Final = "transcription_engine"
ENGINES: Final = (
    "Google",
    "Telnyx",
    "Deepgram",
    "Azure",
    "xAI",
    "AssemblyAI",
    "Speechmatics",
    "Soniox",
    "Parakeet",
    "Humain",
    "Reson8",
    "Cohere",
    "A",
    "B",
)


def _engine(name: str, kinds: Mapping[str, Kind], required: tuple[str, ...] = ()) -> Object:
    return Object({_TAG: Choice(name), **kinds}, required)


_GOOGLE: Final[dict[str, Kind]] = {
    "enable_speaker_diarization": Flag(),
    "hints": Many(Text()),
    "interim_results": Flag(),
    "language": Choice(*languages.GOOGLE),
    "max_speaker_count": Whole(0),
    "min_speaker_count": Whole(0),
    "model": Choice(
        "latest_long",
        "latest_short",
        "command_and_search",
        "phone_call",
        "video",
        "default",
        "medical_conversation",
        "medical_dictation",
    ),
    "profanity_filter": Flag(),
    "speech_context": Many(Object({"boost": Number(), "phrases": Many(Text())})),
    "use_enhanced": Flag(),
}
_WHISPER: Final[dict[str, Kind]] = {
    "language": Choice(*languages.WHISPER),
    "transcription_model": Choice("openai/whisper-tiny", "openai/whisper-large-v3-turbo"),
}
_NOVA: Final[dict[str, Kind]] = {
    "interim_results": Flag(),
    "keywords_boosting": Dictionary(Number()),
    "smart_format": Flag(),
    "utterance_end_ms": Whole(0, 5000),
}


def _nova(version: int, kinds: Mapping[str, Kind]) -> Object:
    """Telnyx's pages write the engine as Deepgram, its document as the model."""
    model = f"deepgram/nova-{version}"
    return Object(
        {_TAG: Choice(model), "transcription_model": Choice(model), **_NOVA, **kinds},
        (_TAG, "transcription_model"),
    )


_CONFIGS: Final = {
    "Google": _engine("Google", _GOOGLE),
    "Telnyx": _engine("Telnyx", _WHISPER),
    "Azure": _engine(
        "Azure",
        {
            "region": Choice("australiaeast", "centralindia", "eastus", "northcentralus", "westeurope", "westus2"),
            "api_key_ref": Text(),
            "language": Choice(*languages.AZURE),
        },
        ("region", _TAG),
    ),
    "xAI": _engine(
        "xAI",
        {
            "interim_results": Flag(),
            "language": Choice(*languages.XAI),
            "transcription_model": Choice("xai/grok-stt"),
        },
    ),
    "AssemblyAI": _engine(
        "AssemblyAI",
        {
            "interim_results": Flag(),
            "transcription_model": Choice("assemblyai/universal-3-5-pro", "assemblyai/universal-streaming"),
        },
    ),
    "Speechmatics": _engine(
        "Speechmatics",
        {
            "interim_results": Flag(),
            "language": Choice(*languages.SPEECHMATICS),
            "transcription_model": Choice("speechmatics/standard", "speechmatics/linden-1"),
        },
    ),
    "Soniox": _engine(
        "Soniox",
        {
            "enable_endpoint_detection": Flag(),
            "interim_results": Flag(),
            "language": Text(),
            "max_endpoint_delay_ms": Whole(500, 3000),
            "transcription_model": Choice("soniox/stt-rt-v4"),
        },
        (_TAG,),
    ),
    "Parakeet": _engine(
        "Parakeet",
        {
            "interim_results": Flag(),
            "transcription_model": Choice("nvidia/parakeet-v3", "omi-health/omi-med-stt-v1"),
        },
    ),
    "Humain": _engine(
        "Humain",
        {
            "language": Choice("ar", "en", "codeswitch", "auto"),
            "transcription_model": Choice("humain/realtime"),
        },
    ),
    "Reson8": _engine(
        "Reson8",
        {
            "language": Choice("auto", "nl", "en", "fr", "fy", "de", "it", "pl", "pt", "es", "sv"),
            "transcription_model": Choice("reson8/turns"),
        },
    ),
    "Cohere": _engine("Cohere", {"language": Choice("ar", "en"), "transcription_model": Choice("cohere/ar-stt")}),
    "A": _engine("A", _GOOGLE),
    "B": _engine("B", _WHISPER),
    "deepgram/nova-2": _nova(2, {"hints": Many(Text()), "language": Choice(*languages.NOVA_2)}),
    "deepgram/nova-3": _nova(3, {"keyterms": Many(Text()), "language": Choice(*languages.NOVA_3)}),
}
_DEEPGRAM: Final = Object(
    {
        _TAG: Choice("Deepgram"),
        "transcription_model": Choice("deepgram/nova-2", "deepgram/nova-3"),
        **_NOVA,
        "hints": Many(Text()),
        "keyterms": Many(Text()),
        "language": Choice(*sorted({*languages.NOVA_2, *languages.NOVA_3})),
    }
)

TRANSCRIPTION_KINDS: Final[dict[str, Kind]] = {
    _TAG: Choice(*ENGINES),
    "transcription_engine_config": Tagged(_TAG, {**_CONFIGS, "Deepgram": _DEEPGRAM}, inferred=True),
    "transcription_tracks": Choice("inbound", "outbound", "both"),
}

TRANSCRIPTION_CONFIG: Final = Object({**TRANSCRIPTION_KINDS, **EVERY_COMMAND})
"""`transcription_config` of dial and answer."""


@dataclass(frozen=True, slots=True)
class StartTranscription:
    """`tracks`: inbound is the leg that asked. `interim`: send what is not final yet."""

    engine: str = "Google"
    tracks: Literal["inbound", "outbound", "both"] = "inbound"
    interim: bool = False


@dataclass(frozen=True, slots=True)
class StopTranscription:
    pass


def start_transcription(values: Mapping[str, Any]) -> StartTranscription:
    config = values.get("transcription_engine_config", {})
    return StartTranscription(
        engine=values.get(_TAG, "Google"),
        tracks=values.get("transcription_tracks", "inbound"),
        interim=config.get("interim_results", False),
    )


def transcription_from_answer(values: Mapping[str, Any]) -> StartTranscription | None:
    """What `transcription` and `transcription_config` of dial and answer ask for."""
    if not values.get("transcription", False):
        return None
    return start_transcription(values.get("transcription_config", {}))


TRANSCRIPTION_COMMANDS: Final[dict[str, CommandSpec[StartTranscription | StopTranscription]]] = {
    "transcription_start": CommandSpec(
        command_table(TRANSCRIPTION_KINDS), start_transcription, frozenset(TRANSCRIPTION_KINDS)
    ),
    "transcription_stop": CommandSpec(command_table({}), lambda _: StopTranscription()),
}
