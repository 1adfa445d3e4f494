"""Keeps secrets out of everything that is written or sent: journal, events, log."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "•••"
# Services quote keys in their own error texts, often partly starred, and LiveKit its tokens (the last shape):
# the known values alone are not enough.
_KEY_SHAPES = re.compile(
    rb"(sk-(?:proj-)?[A-Za-z0-9_*-]{4,}|KEY[0-9A-Fa-f]{20,}_[A-Za-z0-9]{6,}|Bearer\s+[\w.~+/*=-]{8,}"
    rb"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})"
)
_SHORTEST = 8


class Redactor:
    """Replaces the given secrets, and what looks like a vendor's key, in encoded text.

    Values shorter than 8 characters are left alone: they would blot out ordinary words.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        found = {secret.encode() for secret in secrets if len(secret) >= _SHORTEST}
        known = b"|".join(re.escape(secret) for secret in sorted(found, key=len, reverse=True))
        self._known = re.compile(known) if found else None
        self._mask = MASK.encode()

    def __call__(self, data: bytes) -> bytes:
        """The same bytes without secrets; the identical object when there were none."""
        if self._known is not None and self._known.search(data):
            data = self._known.sub(self._mask, data)
        if _KEY_SHAPES.search(data):
            data = _KEY_SHAPES.sub(self._mask, data)
        return data

    def text(self, text: str) -> str:
        return self(text.encode(errors="replace")).decode()
