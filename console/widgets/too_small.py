"""What a terminal that is too small shows instead of a broken screen."""

from __future__ import annotations

from textual.strip import Strip

from console.text import wrap
from console.widgets.lines import Lines, Row

LEAST_WIDTH, LEAST_HEIGHT = 80, 24


class TooSmall(Lines):
    """One sentence; the screen comes back when the terminal is enlarged."""

    DEFAULT_CSS = "TooSmall { height: 1fr; }"

    def rows(self, width: int, height: int) -> list[Strip]:
        screen = self.screen.size
        text = (
            f"The console needs {LEAST_WIDTH}x{LEAST_HEIGHT} characters and this terminal has "
            f"{screen.width}x{screen.height}: enlarge it. Calls go on meanwhile."
        )
        return [Row().add(part).strip(width) for part in wrap(text, width)]
