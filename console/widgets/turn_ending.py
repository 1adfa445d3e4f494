"""Why one turn ended: how sure the service was along the way, the silence, and the words it went by."""

from __future__ import annotations

from agent.turn_detection import Heard, threshold_of, words_of
from console import turn_ends
from console.styles import DIM, PLAIN, WARN
from console.text import clip
from console.widgets.heard_words import word_rows
from console.widgets.lines import Row
from console.widgets.panel import Panel
from console.widgets.ramp import ramp_rows

_WORD_ROWS = 2


class TurnEnding(Panel):
    """The turn looked at, or the latest one while it is spoken."""

    DEFAULT_CSS = "TurnEnding { height: 9; }"

    def title(self) -> tuple[str, str]:
        """Title and remark for the rule above."""
        heard = self.view.shown_heard()
        # The rule of the page above has it when there is one.
        remark = "" if self.view.both else f"i {self.view.next_look()}"
        if heard is None or not heard.turn:
            return "end of this turn", remark
        latest = "" if self.view.turn is not None else " (latest)"
        return f"end of turn {heard.turn}{latest}", remark

    def body(self, width: int, height: int) -> list[Row]:
        call, heard = self.view.call, self.view.shown_heard()
        if call is None or heard is None:
            return [Row().add("AssemblyAI has told nothing of this turn.", DIM)]
        listening, symbols = call.state.listening, self.view.symbols
        after = turn_ends.following(listening.heard, heard)
        cut = turn_ends.spoke_on(heard, after)
        first = Row().add(turn_ends.ended(heard, self.view.open_session), PLAIN)
        second = Row().add(clip(cut, width, symbols.ellipsis), WARN) if cut else _final(heard, width)
        spoken = word_rows(words_of(heard), width, _WORD_ROWS, symbols, all_told=False)
        room = height - 2 - _WORD_ROWS
        return [first, second, *ramp_rows(heard, width, room, symbols, threshold_of(listening) or None), *spoken]


def _final(heard: Heard, width: int) -> Row:
    return Row().add(clip(turn_ends.final(heard), width), DIM)
