"""What the caller said that the framework has made no turn of yet: the words to save when the line goes dead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_MAX: Final = 50


@dataclass(slots=True)
class _Said:
    at: int
    ended: bool
    turn: Mapping[str, Any]


class Unanswered:
    """Follows AssemblyAI's turns and what the framework takes of them. Times are monotonic nanoseconds."""

    def __init__(self) -> None:
        self._said: dict[tuple[int, int], _Said] = {}
        self._taken = (0, -1)

    def heard(self, session: int, turn: Mapping[str, Any], now: int) -> None:
        """A Turn message came; a later one replaces an earlier one of the same turn."""
        order = turn.get("turn_order")
        if not isinstance(order, int) or (session, order) <= self._taken:
            return
        if not (turn.get("transcript") or turn.get("words")):
            return
        known = self._said.get((session, order))
        at = known.at if known is not None and known.ended else now
        self._said[session, order] = _Said(at, bool(turn.get("end_of_turn")), turn)
        if len(self._said) > _MAX:
            del self._said[next(iter(self._said))]

    def taken(self, at: int) -> None:
        """The framework made a turn, at that time, of all that had ended."""
        for key, said in list(self._said.items()):
            if said.ended and said.at <= at:
                del self._said[key]
                self._taken = max(self._taken, key)

    def heard_again(self) -> None:
        """Another session is given the audio of the turn that is open."""
        self._said = {key: said for key, said in self._said.items() if said.ended}

    def take(self) -> tuple[str, float | None]:
        """The words that are left, and the end-of-turn confidence of the last where it had ended."""
        said = list(self._said.values())
        self._said.clear()
        text = " ".join(filter(None, (_text(one.turn) for one in said)))
        sure = said[-1].turn.get("end_of_turn_confidence") if said and said[-1].ended else None
        return text, sure if isinstance(sure, (int, float)) else None


def _text(turn: Mapping[str, Any]) -> str:
    """The words of a Turn; a partial of Universal-Streaming has its last ones in ``words`` alone."""
    words = turn.get("words")
    if not turn.get("end_of_turn") and isinstance(words, list) and words:
        return " ".join(str(word.get("text", "")) for word in words if isinstance(word, dict))
    return str(turn.get("transcript") or "")
