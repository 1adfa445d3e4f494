"""Which operators are there: connected to the event stream, or to the audio of a call. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

Key = TypeVar("Key")


class Presence:
    """Counts connections by name: one person may have several consoles, and a new connection often opens before
    the old one is known to be gone."""

    def __init__(self) -> None:
        self._streams: Counter[str] = Counter()
        self._links: Counter[tuple[str, str]] = Counter()

    def came(self, who: str) -> None:
        self._streams[who] += 1

    def went(self, who: str) -> None:
        _one_less(self._streams, who)

    def linked(self, call: str, who: str) -> None:
        self._links[call, who] += 1

    def unlinked(self, call: str, who: str) -> None:
        _one_less(self._links, (call, who))

    def has_link(self, call: str, who: str) -> bool:
        """Whether ``who`` is connected to the call's audio."""
        return (call, who) in self._links

    def is_there(self, who: str) -> bool:
        """Whether ``who`` is connected to anything."""
        return who in self._streams or any(name == who for _, name in self._links)


def _one_less(counts: Counter[Key], key: Key) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]
