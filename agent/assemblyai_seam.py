"""Several sessions as the one that a framework believes in.

A framework keeps one connection while the tap may use up several sessions, each of which counts its turns and its
audio from zero. A second Begin and times that jump back confuse clients: livekit-plugins-assemblyai 1.8 adds every
time to the moment of its own first frame, and the SDK's users replace text by ``turn_order``.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Seam:
    """Shifts the messages of later sessions so that they go on where the first one stopped."""

    def __init__(self) -> None:
        self._joined = False
        self._begun = False
        self._order = 0
        """The turn that is open in the framework's eyes, or the next."""
        self._speaking = False
        self._first_order = 0
        self._base_ms = 0

    def join(self, base_ms: int) -> None:
        """A new session begins; its audio starts at ``base_ms`` of the framework's own."""
        self._joined, self._first_order, self._base_ms = True, self._order, base_ms

    def show(self, text: str, message: dict[str, Any], *, last: bool) -> str | None:
        """What the framework should see of a message, or None for nothing; ``last`` says that it ends its turn."""
        match message.get("type"):
            case "Begin":
                begun, self._begun = self._begun, True
                return None if begun else text
            case "SpeechStarted":
                speaking, self._speaking = self._speaking, True
                if speaking and self._joined:
                    return None
                return self._shifted(text, message, ("timestamp",))
            case "Turn":
                order = message.get("turn_order")
                if isinstance(order, int):
                    self._order = self._first_order + order + last
                self._speaking = self._speaking and not last
                return self._shifted(text, message, ())
            case _:
                return text

    def _shifted(self, text: str, message: dict[str, Any], times: tuple[str, ...]) -> str:
        if not self._joined:
            return text
        shown = {**message, **_later(message, times, self._base_ms)}
        if isinstance(shown.get("turn_order"), int):
            shown["turn_order"] += self._first_order
        if isinstance(words := message.get("words"), list):
            shown["words"] = [
                {**word, **_later(word, ("start", "end"), self._base_ms)} if isinstance(word, dict) else word
                for word in words
            ]
        return msgspec.json.encode(shown).decode()


def _later(fields: dict[str, Any], names: tuple[str, ...], ms: int) -> dict[str, int]:
    return {name: value + ms for name in names if isinstance(value := fields.get(name), int)}
