"""The screen of ``sidetone phone``: the softphone above, and the call as the agent hears and speaks it below."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer

from console.client import AgentError
from console.commands import Situation
from console.screens.desk import Desk
from console.session import Session
from console.sound_desk import NoSound
from console.view import View
from console.widgets.footer import Footer, Keys
from console.widgets.key_panel import KeyPanel
from console.widgets.lines import Lines
from console.widgets.notice_line import NoticeLine
from console.widgets.rule import Rule
from console.widgets.transcript import Transcript

if TYPE_CHECKING:
    from console.screens.main import MainScreen

_BELL_EVERY_S = 2.0
_SCROLLED = {"pageup": -10, "pagedown": 10}
_PASSED = frozenset({"q", *_SCROLLED})
"""Keys of the screen that no panel takes."""


class PhoneScreen(Screen[None]):
    """``waits`` to be called; otherwise the agent, or the bot in its place, is dialled as soon as it is up."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "Leave", priority=True),
        *(Binding(key, f"scroll({rows})", priority=True) for key, rows in _SCROLLED.items()),
    ]
    DEFAULT_CSS = "PhoneScreen { layout: vertical; overflow: hidden; }"

    def __init__(self, session: Session, view: View, frames: float, *, waits: bool, bot: bool, band: str) -> None:
        super().__init__()
        self.view, self.expected = view, ""
        self.panel: Lines | None = None
        self._session, self._frames = session, frames
        self._waits, self._bot, self._band = waits, bot, band
        # It asks of its screen no more than the few names that this one has too.
        self._desk = Desk(cast("MainScreen", self), session, view, self._work)
        self._rule = Rule(
            view, lambda: ("a bot's words are not told here" if bot else "what is heard and said", "")
        )
        self._transcript, self._notice = Transcript(view), NoticeLine(view)
        self._footer = Footer(view, Situation)
        self._footer.instead = lambda: (("q", "leave"),)
        self._phone_panel: Lines | None = None
        self._registered = self._dialled = False
        self._rang = 0.0
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self._rule
        yield self._transcript
        yield self._footer
        yield self._notice

    def on_mount(self) -> None:
        self.view.store.tell("info", "starting the simulator" + ("" if self._bot else " and the agent") + "…")
        self._timer = self.set_interval(1 / self._frames, self.draw)

    def on_resize(self, _event: events.Resize) -> None:
        self.draw(everything=True)

    def draw(self, everything: bool = False) -> None:
        """Bring the screen up to date with the store."""
        store = self.view.store
        self._go_on()
        if store.sound.phone.ringing and store.clock() - self._rang >= _BELL_EVERY_S:
            self._rang = store.clock()
            self.app.bell()
        call = self.view.phone_call()
        if call is not None:
            self.view.select(call.state.id)
        changed, moved = store.take_changes(), store.take_moves()
        if self.panel is not None:
            self.panel.sync()
        if changed or moved or everything:
            self._transcript.sync()
        for widget in (self._rule, self._footer, self._notice):
            widget.sync()

    def say_goodbye(self) -> None:
        """Draw once more and then never again: the terminal may be gone."""
        if self._timer is not None:
            self._timer.stop()
        self.view.store.tell("info", "leaving…")
        self.draw()

    def open_panel(self, panel: Lines, keys: Keys) -> None:
        """Show ``panel`` in place of the one before, with all the keys."""
        if self._phone_panel is None:
            self._phone_panel = panel
        elif self.panel is not None:
            self.panel.display = False
        self.panel = panel
        self._footer.instead = lambda: [*((key, what) for key, what in keys() if key != "Esc"), ("q", "leave")]
        if isinstance(panel, KeyPanel):
            panel.passes = _PASSED
        self.mount(panel, before=self._rule)
        self.set_focus(panel)

    def close_panel(self) -> None:
        """Back to the softphone; leaving that one leaves."""
        phone = self._phone_panel
        if self.panel is None or self.panel is phone or phone is None:
            self.action_leave()
            return
        self.panel.remove()
        self.panel = phone
        phone.display = True
        self.set_focus(phone)

    def action_scroll(self, rows: int) -> None:
        self._transcript.scroll_rows(rows)

    def action_leave(self) -> None:
        from console.phone_app import PhoneApp

        cast("PhoneApp", self.app).leave()

    def _go_on(self) -> None:
        """Register once the simulator is there, and dial once the agent can take the call."""
        store = self.view.store
        if not self._registered and store.simulator.phase == "up":
            self._registered = True
            self._desk.open_phone()
        elif not (self._dialled or self._waits) and store.sound.phone.state == "registered" and self._can_call():
            self._dialled = True
            self._work(self._dial(), "softphone")

    def _can_call(self) -> bool:
        store = self.view.store
        return self._bot or (store.agent.phase == "up" and store.seq is not None and not store.problems)

    async def _dial(self) -> None:
        try:
            await self._session.sound.dial(self._band)
        except (AgentError, NoSound) as error:
            self.view.store.tell("error", str(error))

    def _work(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self.run_worker(work, name=name, exit_on_error=True)
