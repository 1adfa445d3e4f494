"""``sidetone phone``: a softphone in the terminal, an app of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field
from typing import cast

from textual.app import App

from console import environment, pace
from console.app import THEME
from console.caller import Band
from console.options import Options
from console.phone_screen import PhoneScreen
from console.process import StartError
from console.process_state import ProcessState
from console.session import Session
from console.sound_desk import Telephone
from console.store import Store
from console.symbols import ASCII, Symbols
from console.view import View


@dataclass(frozen=True, slots=True)
class PhoneOrder:
    """``waits`` to be called rather than call; ``keep`` leaves agent and simulator running."""

    telephone: Telephone = field(default_factory=Telephone)
    waits: bool = False
    band: Band = "hd"
    simulated: tuple[str, ...] = ()
    keep: bool = False

    @property
    def bot(self) -> bool:
        """Whether somebody else's bot is called, so that no agent of ours is needed."""
        return bool(self.telephone.target)


class PhoneApp(App[list[ProcessState]]):
    """Returns the processes that go on running."""

    TITLE = "sidetone phone"
    ENABLE_COMMAND_PALETTE = False
    CSS = "Screen { background: $background; color: $foreground; }"

    def __init__(self, session: Session, symbols: Symbols, order: PhoneOrder) -> None:
        super().__init__()
        self.session, self.order = session, order
        self.view = View(session.store, symbols)
        self.animation_level = "none"
        self.set_class(symbols is ASCII, "-ascii")
        self.register_theme(THEME)
        self.theme = THEME.name
        self._leaving: asyncio.Task[None] | None = None

    def get_default_screen(self) -> PhoneScreen:
        order = self.order
        return PhoneScreen(
            self.session,
            self.view,
            pace.frames_per_second(),
            waits=order.waits,
            bot=order.bot,
            band=order.band,
        )

    def on_mount(self) -> None:
        self.session.sound.softphone = self.order.telephone
        self.session.start().add_done_callback(self._session_over)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.leave)
        loop.add_signal_handler(signal.SIGHUP, self.leave, True)

    def leave(self, gone: bool = False) -> None:
        """Hang up, end what was started, and end. ``gone``: the terminal is no more."""
        if self._leaving is None:
            cast("PhoneScreen", self.screen_stack[0]).say_goodbye()
            self._leaving = asyncio.create_task(self._leave(gone), name="leave")

    async def action_quit(self) -> None:
        """ctrl+q."""
        self.leave()

    def action_help_quit(self) -> None:
        """ctrl+c."""
        self.leave()

    async def _leave(self, gone: bool) -> None:
        left = await self.session.close(stop=not self.order.keep)
        if gone:
            # Textual would wait for ever to give back a terminal that takes nothing any more.
            os._exit(0)
        self.exit(left)

    def _session_over(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        text = str(error) if isinstance(error, StartError | environment.PlanError) else repr(error)
        self.exit(return_code=1, message=f"The softphone failed: {text}")


class BotSession(Session):
    """The simulator alone: whoever is called runs elsewhere, and tells us no events."""

    async def _run(self) -> None:
        from agent import paths
        from console.supervisor import Supervisor

        self._settings = settings = await asyncio.to_thread(environment.read_settings)
        self._supervisor = Supervisor(
            environment.decide(settings), paths.data_dir(), self._http, self._process_changed
        )
        await self._supervisor.run_simulator()


def run(order: PhoneOrder, symbols: Symbols) -> int:
    """Open the softphone; returns the exit status."""
    options = Options(simulated=order.simulated, band=order.band)
    session = (BotSession if order.bot else Session)(Store(), options)
    app = PhoneApp(session, symbols, order)
    for state in app.run() or []:
        print(f"The {state.name} goes on running (process {state.pid}): `sidetone stop` ends it.")
    return app.return_code or 0
