"""Telephone numbers and SIP addresses. Pure."""

from __future__ import annotations

import re
from typing import Final

_E164: Final = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)


def is_e164(number: str) -> bool:
    """Whether `number` is +E.164: a plus sign and 7 to 15 digits."""
    return bool(_E164.fullmatch(number))
