"""A stable espeak-ng voice for every Deepgram voice name. Pure.

None of them is the simulated caller's voice, and the men among Aura's voices sound like men.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

_MEN: Final = re.compile(
    r"angus|apollo|arcas|aries|atlas|draco|helios|hermes|hyperion|jupiter|mars|neptune|odysseus|orion|orpheus|perseus|"
    r"pluto|saturn|zeus"
)
_FEMALE_VARIANTS: Final = ("en-us+f2", "en-us+f3", "en-us+f4", "en+f2", "en+f4")
_MALE_VARIANTS: Final = ("en-us+m2", "en-us+m3", "en-us+m7", "en+m3", "en+m7")


def espeak_voice(model: str) -> str:
    """The espeak-ng voice that speaks for a model such as `aura-2-thalia-en`."""
    variants = _MALE_VARIANTS if _MEN.search(model.lower()) else _FEMALE_VARIANTS
    return variants[zlib.crc32(model.lower().encode()) % len(variants)]
