"""The telephone line as the agent saw it: what the recogniser had to work with."""

from __future__ import annotations

from console import room_words, words
from console.styles import DIM, PLAIN, WARN
from console.text import clip
from console.widgets.lines import Row
from console.widgets.panel import Panel


class LineBlock(Panel):
    """Two rows of counts since the start of the stream; what should be nought and is not stands out. Two more of
    the room, where the call is in one."""

    DEFAULT_CSS = "LineBlock { height: 2; }"

    def height_now(self) -> int:
        """The rows that it needs."""
        return 2 + len(self._room(0))

    def title(self) -> tuple[str, str]:
        """Title and remark for the rule above."""
        call = self.view.call
        if call is None or call.state.line != "livekit":
            return "line", ""
        return "line: a room", "v all of it"

    def body(self, width: int, height: int) -> list[Row]:
        return [*self._room(width), *self._media()]

    def _room(self, width: int) -> list[Row]:
        call = self.view.call
        if call is None or call.state.line != "livekit":
            return []
        room, ellipsis = call.state.room, self.view.symbols.ellipsis
        first = Row().add(clip(room.name or "no room yet", max(4, width - 20), ellipsis))
        if not call.state.live:
            return [first]
        if room.sip_status:
            status = room.sip_status
            first.add("  sip ", DIM).add(status, PLAIN if status in ("active", "hangup") else WARN)
        here = room_words.participants(call.state) or "nobody"
        return [first, Row().add("here ", DIM).add(clip(here, max(4, width - 6), ellipsis))]

    def _media(self) -> list[Row]:
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
