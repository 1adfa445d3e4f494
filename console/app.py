"""The console as a Textual app: one session, one main screen, and the dialogs above it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.theme import Theme

from console import pace, styles
from console.process_state import ProcessState
from console.screens.main import MainScreen
from console.session import Session
from console.symbols import ASCII, Symbols
from console.view import View

if TYPE_CHECKING:
    from textual.command import Provider

_LOOK_FOR_TERMINAL_S = 2.0

THEME = Theme(
    name="sidetone",
    primary=styles.BLUE,
    secondary=styles.VIOLET,
    accent=styles.SAND,
    foreground=styles.TEXT,
    background=styles.BACKGROUND,
    surface=styles.RAISED,
    panel=styles.LINE,
    success=styles.GREEN,
    warning=styles.AMBER,
    error=styles.RED,
    dark=True,
)


def _commands() -> type[Provider]:
    from console.palette import ConsoleCommands

    return ConsoleCommands


class ConsoleApp(App[list[ProcessState]]):
    """Returns the processes that go on running. The session begins after the first paint."""

    TITLE = "sidetone"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "quit", "Quit", show=False, priority=True)]
    CSS = """
    Screen { background: $background; color: $foreground; }
    CommandPalette SearchIcon { display: none; }
    .-ascii DialScreen > Vertical, .-ascii HelpScreen > VerticalScroll { border: ascii $panel; }
    """

    def __init__(self, session: Session, symbols: Symbols) -> None:
        super().__init__()
        self.session = session
        self.view = View(session.store, symbols)
        self.animation_level = "none"
        self.set_class(symbols is ASCII, "-ascii")
        self.register_theme(THEME)
        self.theme = "sidetone"
        self._leaving: asyncio.Task[None] | None = None

    def get_default_screen(self) -> MainScreen:
        return MainScreen(self.session, self.view, pace.frames_per_second())

    @property
    def main(self) -> MainScreen:
        """The screen below all dialogs."""
        screen = self.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    def on_mount(self) -> None:
        self.call_after_refresh(self._begin)

    def leave(self, stop: bool, attached: bool = False) -> None:
        """Close the session and end; see :meth:`console.session.Session.close`."""
        if self._leaving is None:
            self.view.store.tell("info", "leaving…")
            self._leaving = asyncio.create_task(self._leave(stop, attached), name="leave")

    async def action_quit(self) -> None:
        """ctrl+q, whatever dialog is open."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.main.action_command("quit")

    def action_help_quit(self) -> None:
        """ctrl+c, which Textual answers with a toast."""
        self.view.store.tell("info", "ctrl+q leaves the console.")

    def _begin(self) -> None:
        # The collector need not look at what was loaded so far, which takes it 50 ms each time.
        gc.freeze()
        gc.enable()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.leave, False)
        self.session.start().add_done_callback(self._session_over)
        if not self.is_headless:
            self.set_interval(_LOOK_FOR_TERMINAL_S, self._look_for_terminal)

    def _look_for_terminal(self) -> None:
        """End when the terminal is gone without a signal: Textual would read from it for ever, at full speed."""
        if not _has_terminal():
            self.leave(stop=False)

    async def _leave(self, stop: bool, attached: bool) -> None:
        left = await self.session.close(stop, attached)
        if not (self.is_headless or _has_terminal()):
            # Textual would wait for ever for a terminal that takes its last words.
            os._exit(0)
        self.exit(left)

    def _session_over(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        self.exit(return_code=1, message=f"The console failed: {type(error).__name__}: {error}")


def _has_terminal() -> bool:
    return os.isatty(sys.__stdin__.fileno() if sys.__stdin__ is not None else 0)
