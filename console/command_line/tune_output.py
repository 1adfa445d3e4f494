"""What ``sidetone tune`` prints: a table, a plot and the conclusion for people, or JSON for programs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from console import symbols, words
from console.command_line import tune_advice
from console.command_line.tune_base import Base
from console.command_line.tune_grid import Grid, Setting
from console.command_line.tune_plot import Dot, plot
from console.command_line.tune_result import Measured, Row, advised
from console.command_line.tune_table import by_recording, table
from console.text import clean, clip, wrap

_PLOT_ROWS = 10
_PLOT_WIDTH = 78
_NO_TERMINAL = 1_000
_ERASE = "\r\x1b[2K"


class TuneOutput(Protocol):
    """``session`` gets each session as it ends, ``finish`` all rows that are whole."""

    def note(self, text: str) -> None: ...
    def progress(self, text: str) -> None: ...
    def session(self, measured: Measured) -> None: ...
    def finish(self, title: str, grid: Grid, base: Base, rows: Sequence[Row]) -> None: ...


class JsonOutput:
    """One object a line on standard output: each setting on each recording as it ends, then each setting on all
    of them, whose ``recording`` is null."""

    def note(self, text: str) -> None:
        for line in text.splitlines():
            print(clean(line), file=sys.stderr)

    def progress(self, text: str) -> None:
        pass

    def session(self, measured: Measured) -> None:
        more = {
            "service": measured.service,
            "transcripts": measured.transcripts,
            "recogniser": measured.recogniser,
            "ignored": measured.ignored,
        }
        self._write(measured.setting, str(measured.recording.path), measured, more)

    def finish(self, title: str, grid: Grid, base: Base, rows: Sequence[Row]) -> None:
        for row in rows:
            self._write(row.setting, None, row, {"best": row.best, "lost_words": row.lost_words})

    def _write(self, setting: Setting, recording: str | None, found: Measured | Row, more: dict[str, Any]) -> None:
        waits = list(found.waits_ms)
        told = {
            "setting": setting.values,
            "now": setting.now,
            "recording": recording,
            "turns": found.turns,
            "cut_offs": found.cut_offs,
            "wait_p50_ms": words.percentile(waits, 0.5) if waits else None,
            "wait_p95_ms": words.percentile(waits, 0.95) if waits else None,
            "waits_ms": waits,
            "words": found.words,
            "problem": found.problem,
            **more,
        }
        sys.stdout.write(f"{msgspec.json.encode(told).decode()}\n")
        sys.stdout.flush()


class TextOutput:
    """A table, a plot and the conclusion on standard output; progress and what went wrong on standard error."""

    def __init__(self) -> None:
        self._symbols = symbols.choose()
        tty = sys.stdout.isatty()
        self._colour = tty and "NO_COLOR" not in os.environ
        self._width = shutil.get_terminal_size().columns if tty else _NO_TERMINAL
        self._rewrites = sys.stderr.isatty()
        self._progress = ""
        self._open = False

    def note(self, text: str) -> None:
        self._erase()
        for line in text.splitlines():
            print(self._symbols.plain(clean(line)), file=sys.stderr)

    def progress(self, text: str) -> None:
        if self._rewrites and text != self._progress:
            self._progress = text
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(_ERASE + clip(self._symbols.plain(text), width, self._symbols.ellipsis))
            sys.stderr.flush()
            self._open = True

    def session(self, measured: Measured) -> None:
        if measured.problem:
            self.note(f"{measured.setting.text} on {measured.recording.path.name}: {measured.problem}")

    def finish(self, title: str, grid: Grid, base: Base, rows: Sequence[Row]) -> None:
        self._erase()
        if all(row.problem for row in rows):
            return
        self._say(clean(title))
        self._say("")
        for line in table(grid.names, rows, self._symbols, self._strong):
            self._say(line)
        usable = [row for row in rows if row.usable]
        if len(usable) > 1:
            dots = [Dot(row.setting.name, row.p50_ms, row.cut_offs, row.best) for row in usable]
            self._say("")
            for line in plot(dots, min(self._width, _PLOT_WIDTH), _PLOT_ROWS, self._symbols, self._strong):
                self._say(line)
        best = advised(rows)
        if best is not None and len(best.parts) > 1:
            self._say("")
            for line in by_recording(rows, best, self._symbols):
                self._say(line)
        self._say("")
        for sentence in tune_advice.sentences(base, rows):
            for line in wrap(sentence, self._width):
                self._say(line)

    def _strong(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._colour else text

    def _say(self, text: str) -> None:
        sys.stdout.write(f"{self._symbols.plain(text)}\n")

    def _erase(self) -> None:
        if self._open:
            sys.stderr.write(_ERASE)
            self._open = False
