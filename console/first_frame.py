"""What stands on the terminal while the screen is loading, so that the terminal answers at once."""

from __future__ import annotations

import contextlib
import os
import sys
import termios
from collections.abc import Iterator

from console.symbols import Symbols

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[H", "\x1b[?1049l\x1b[?25h"


@contextlib.contextmanager
def first_frame(symbols: Symbols) -> Iterator[None]:
    """Draw it; keys that are pressed meanwhile are not echoed and wait for the screen.

    The screen takes over the alternate buffer and leaves it at its own end; afterwards the terminal is as before.
    """
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    silent = termios.tcgetattr(terminal)
    silent[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(terminal, termios.TCSANOW, silent)
    try:
        _write(_ENTER + _frame(symbols, os.get_terminal_size(sys.stdout.fileno()).columns))
        yield
    except BaseException:
        _write(_LEAVE)
        raise
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _frame(symbols: Symbols, width: int) -> str:
    title = f"{symbols.rule} sidetone "
    rule = title + symbols.rule * (width - len(title))
    return f"\r\n\x1b[2m{rule[:width]}\x1b[0m\r\n\r\n   {symbols.waiting} Opening{symbols.ellipsis}"


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
