"""Who sits at this console: SIDETONE_OPERATOR, else the login name, else ``console``."""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping

_LONGEST = 32
_NOT_FOR_A_LINE = re.compile(r"[^\w .@+-]+")


def operator_name(settings: Mapping[str, str]) -> str:
    """A name of at most 32 characters, fit for an address and for one line of a screen."""
    return _tidy(settings.get("SIDETONE_OPERATOR", "")) or _tidy(_login()) or "console"


def _tidy(name: str) -> str:
    return _NOT_FOR_A_LINE.sub("", name).strip()[:_LONGEST].strip()


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
