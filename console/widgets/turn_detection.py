"""Turn detection of the selected call in full: every end of turn in a row of its own, and the one looked at."""

from __future__ import annotations

from textual.strip import Strip

from agent.turn_detection import Heard, Listening, cut_off, threshold_of, words_of
from console import turn_ends, words
from console.styles import CHOSEN, DIM, HEADING, PLAIN, STRONG, WARN
from console.text import clean, clip
from console.widgets.heard_words import word_rows
from console.widgets.lines import Lines, Row
from console.widgets.ramp import ramp_rows

_LEAST_PLOT, _MOST_PLOT = 4, 12
_WORDS = 49


class TurnDetection(Lines):
    """In place of the transcript: a table above, the chosen turn's ramp and words below."""

    DEFAULT_CSS = "TurnDetection { height: 1fr; }"

    def rows(self, width: int, height: int) -> list[Strip]:
        call = self.view.call
        heard = call.state.listening.heard if call is not None else []
        if call is None or not heard:
            return [Row().add(" AssemblyAI has told of no turn yet.", DIM).strip(width)]
        chosen = self.view.shown_heard()
        detail = self._detail(chosen, call.state.listening, width - 2, height) if chosen is not None else []
        table = self._table(heard, chosen, width, max(2, height - len(detail) - 1))
        return [*table, *(_indented(row).strip(width) for row in [Row(), *detail])][:height]

    def _table(self, heard: list[Heard], chosen: Heard | None, width: int, room: int) -> list[Strip]:
        rows = [Row().add("   turn  ended        silence  final   eot  cut off  words", HEADING).strip(width)]
        count = room - 1
        place = next((place for place, one in enumerate(heard) if one is chosen), len(heard) - 1)
        first = max(0, min(place - count // 2, len(heard) - count))
        for number in range(first, min(first + count, len(heard))):
            after = heard[number + 1] if number + 1 < len(heard) else None
            one = heard[number]
            row = self._row(one, cut_off(one, after), one is chosen, width)
            rows.append(row.strip(width, CHOSEN if one is chosen else None))
        return rows + [Strip.blank(width, PLAIN)] * (room - len(rows))

    def _row(self, heard: Heard, cut: bool, chosen: bool, width: int) -> Row:
        symbols = self.view.symbols
        row = Row().add(f" {symbols.selected if chosen else ' '} ", STRONG if chosen else DIM)
        row.number(str(heard.turn) if heard.turn else symbols.dash, 4).add("  ")
        row.cell(turn_ends.short(heard, self.view.open_session), 12, PLAIN if heard.ended_by else DIM)
        row.number(str(heard.silence_ms) if heard.ended_at_ms else symbols.dash, 8)
        row.number(str(heard.final_ms) if heard.final_ms else symbols.dash, 7, DIM)
        row.number(words.confidence(heard.confidence) if heard.confidence is not None else symbols.dash, 6, DIM)
        row.add("  ").cell(f"{symbols.slow} yes" if cut else "", 9, WARN)
        mark = "split: " if heard.split else ""
        return row.add(clip(mark + clean(heard.transcript), max(0, width - row.width - 1), symbols.ellipsis), DIM)

    def _detail(self, heard: Heard, listening: Listening, width: int, height: int) -> list[Row]:
        symbols = self.view.symbols
        plot = max(_LEAST_PLOT, min(_MOST_PLOT, height // 3))
        told = [turn_ends.ended(heard, self.view.open_session), turn_ends.final(heard)]
        cut = turn_ends.spoke_on(heard, turn_ends.following(listening.heard, heard))
        first = Row().add(clip("  ".join(filter(None, told)), width, symbols.ellipsis), PLAIN)
        rows = [first.add(f"  {clip(cut, width - first.width - 2, symbols.ellipsis)}" if cut else "", WARN)]
        rows += ramp_rows(heard, width, plot, symbols, threshold_of(listening) or None)
        return rows + word_rows(words_of(heard), width, max(1, height // 6), symbols, all_told=True)


def _indented(row: Row) -> Row:
    return Row().add(" ").append(row)
