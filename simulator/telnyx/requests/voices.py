"""The `voice_settings` of each speech provider. Pure.

Source: the voice settings schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189. A request
may leave `type` out, as Telnyx's description of ElevenLabs voices does.
"""

from __future__ import annotations

from typing import Final

from simulator.telnyx.requests.fields import Choice, Flag, Number, Object, Tagged, Text, Whole

_BOOSTED = """
    auto Chinese Chinese,Yue English Arabic Russian Spanish French Portuguese German Turkish Dutch Ukrainian
    Vietnamese Indonesian Japanese Italian Korean Thai Polish Romanian Greek Czech Finnish Hindi Bulgarian Danish
    Hebrew Malay Persian Slovak Swedish Croatian Filipino Hungarian Norwegian Slovenian Catalan Nynorsk Tamil
    Afrikaans
"""
LANGUAGE_BOOST: Final = Choice(*_BOOSTED.split())

_SHAPES: Final = {
    "elevenlabs": Object({"type": Choice("elevenlabs"), "api_key_ref": Text()}, required=("type",)),
    "telnyx": Object({"type": Choice("telnyx"), "voice_speed": Number()}, required=("type",)),
    "aws": Object({"type": Choice("aws")}, required=("type",)),
    "minimax": Object(
        {
            "type": Choice("minimax"),
            "language_boost": LANGUAGE_BOOST,
            "pitch": Whole(),
            "speed": Number(),
            "vol": Number(),
        },
        required=("type",),
    ),
    "azure": Object(
        {
            "type": Choice("azure"),
            "api_key_ref": Text(),
            "deployment_id": Text(),
            "effect": Choice("eq_car", "eq_telecomhp8k"),
            "gender": Choice("Male", "Female"),
            "region": Text(),
        },
        required=("type",),
    ),
    "resemble": Object(
        {
            "type": Choice("resemble"),
            "format": Choice("wav", "mp3"),
            "precision": Choice("PCM_16", "PCM_24", "PCM_32", "MULAW"),
            "sample_rate": Choice("8000", "16000", "22050", "32000", "44100", "48000"),
        },
        required=("type",),
    ),
    "inworld": Object(
        {"type": Choice("inworld"), "delivery_mode": Choice("STABLE", "BALANCED", "CREATIVE")}, required=("type",)
    ),
    "xai": Object({"type": Choice("xai"), "language": Text()}, required=("type",)),
    "soniox": Object(
        {"type": Choice("soniox"), "reduce_silence": Flag(), "speed": Number(0.7, 1.3)}, required=("type",)
    ),
}
_NOT_FOR_ASSISTANTS: Final = ("minimax", "inworld")

VOICE_SETTINGS: Final = Tagged("type", _SHAPES, inferred=True)
GATHER_AI_VOICE_SETTINGS: Final = Tagged(
    "type", {name: shape for name, shape in _SHAPES.items() if name not in _NOT_FOR_ASSISTANTS}, inferred=True
)
