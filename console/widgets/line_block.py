"""The telephone line as the agent saw it: what the recogniser had to work with."""

from __future__ import annotations

from console import words
from console.styles import DIM, PLAIN, WARN
from console.widgets.lines import Row
from console.widgets.panel import Panel


class LineBlock(Panel):
    """Two rows of counts since the start of the stream; what should be nought and is not stands out."""

    DEFAULT_CSS = "LineBlock { height: 2; }"

    def body(self, width: int, height: int) -> list[Row]:
        call = self.view.call
        if call is None or not call.state.media.encoding:
            return [Row().add("No media yet.", DIM)]
        media = call.state.media
        first, second = Row(), Row()
        detail = " HD" if media.sample_rate > 8000 else "  20 ms"
        first.add(f"{media.encoding} {media.sample_rate / 1000:g}k{detail}   ")
        first.add(f"rx {words.count(media.rx)}  tx {words.count(media.tx)}  ", DIM)
        _count(first, "gap", media.gaps)
        second.add(f"jitter {media.jitter_ms} ms   queue {media.queue_ms} ms   ", DIM)
        _count(second, "late", media.late)
        second.add(f"  clear {media.clears}", DIM)
        if media.refused:
            second.add("  ")
            _count(second, "refused", media.refused)
        return [first, second]


def _count(row: Row, name: str, value: int) -> None:
    row.add(f"{name} ", DIM).add(words.count(value), WARN if value else PLAIN)
