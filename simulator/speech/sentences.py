"""Where sentences end, for voices that speak text as soon as it is complete. Pure."""

from __future__ import annotations

import re
from typing import Final

_SENTENCE_END: Final = re.compile(
    r"(?<!\bdr)(?<!\bmr)(?<!\bms)(?<!\bmrs)(?<!\bst)[.!?…]+[\"')\]]*\s+", re.IGNORECASE
)


def split_sentences(text: str) -> tuple[str, str]:
    """What can be spoken already, up to the last complete sentence, and what has to wait."""
    end = 0
    for found in _SENTENCE_END.finditer(text):
        end = found.end()
    return text[:end], text[end:]
