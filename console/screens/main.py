"""The one screen: calls above, the selected call below, and beside it on wide terminals what its turns cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from console import turn_ends, words
from console.commands import BY_NAME, COMMANDS, WORDY, Situation, UnknownCommand, parse
from console.screens.actions import Actions
from console.session import Session
from console.view import View
from console.widgets.agent_log import AgentLog
from console.widgets.banner import Banner
from console.widgets.call_table import CallTable
from console.widgets.desk_words import desk_words
from console.widgets.event_list import EventList
from console.widgets.following import Following
from console.widgets.footer import Footer, Keys
from console.widgets.latency_history import LatencyHistory
from console.widgets.line_block import LineBlock
from console.widgets.lines import Lines, Row
from console.widgets.notice_line import NoticeLine, Question
from console.widgets.prompt import Prompt
from console.widgets.rule import Rule
from console.widgets.status_bar import StatusBar
from console.widgets.too_small import LEAST_HEIGHT, LEAST_WIDTH, TooSmall
from console.widgets.transcript import Transcript
from console.widgets.turn_inspector import TurnInspector
from console.widgets.welcome import Welcome

if TYPE_CHECKING:
    from console.screens.turn_ends import TurnEnds

WIDE = 120
_BOTH = 39
"""Rows of the right column from which the events have room below both pages about a turn."""
_MANY_CALLS = 20
_FRAMES_OF_MANY = 3
"""Nobody reads the levels of more calls than that at full pace: their rows are drawn in every third frame."""
_BELL_EVERY_S = 2.0
_APP_KEYS = ("palette", "quit")
"""The app itself binds these, so that they work above every screen."""


def _bindings() -> Iterable[BindingType]:
    """With priority, so that keys take effect in the order in which they were pressed, however fast."""
    for command in COMMANDS:
        if command.name not in _APP_KEYS:
            for key in command.keys:
                yield Binding(key, f"command('{command.name}')", command.help, show=False, priority=True)
    for digit in "123456789":
        yield Binding(digit, f"command('select', '{digit}')", show=False, priority=True)


class MainScreen(Screen[None]):
    """Draws what the store knows, ``frames`` times a second at most, and carries out commands."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = list(_bindings())
    DEFAULT_CSS = """
    MainScreen { layout: vertical; overflow: hidden; }
    #middle { height: 1fr; }
    #left { width: 1fr; }
    #right { width: 49; }
    """

    def __init__(self, session: Session, view: View, frames: float) -> None:
        super().__init__()
        self.view = view
        self.expected = ""
        """The call that was just dialled, to be selected as soon as it is known."""
        self._frames = frames
        self._actions = Actions(self, session, view)
        self._remote = bool(session.remote)
        self.panel: Lines | None = None
        """Has the keys when nothing else is asked."""
        self._panel_keys: Keys | None = None
        self._banner = Banner(view, self._has_keys)
        self._rang = 0.0
        self._phoned = ""
        self._second = -1
        self._frame = 0
        self._prompt = Prompt(self.type_command, self.close_prompt)
        symbols = view.symbols
        self.table, self.transcript, self.log_panel = CallTable(view), Transcript(view), AgentLog(view)
        self.notice, self._welcome, self._small = NoticeLine(view), Welcome(view), TooSmall(view)
        inspector, event_list = TurnInspector(view), EventList(view)
        history, line = LatencyHistory(view), LineBlock(view)
        status, footer = StatusBar(view), Footer(view, self.situation)
        self._footer, self._line = footer, line
        left_rule = Rule(view, self._left_words)
        turn_rule = Rule(view, inspector.title, symbols.tee_down)
        history_rule = Rule(view, lambda: ("last 20 turns", ""), symbols.tee_left)
        line_rule = Rule(view, line.title, symbols.tee_left)
        events_rule = Rule(view, event_list.title, symbols.tee_left)
        self._table_rule = Rule(view, lambda: ("calls", "? help  : command"))
        bottom_rule = Rule(view, lambda: ("", ""), joint=self._joint)
        self._latency_page = (turn_rule, inspector)
        self._below_turn = history_rule
        self._turn_ends: TurnEnds | None = None
        right = (*self._latency_page, history_rule, history, line_rule, line, events_rule, event_list)
        self._right = Vertical(*right, id="right")
        shown_left = (left_rule, self._welcome, self.transcript, self.log_panel)
        self._left = Vertical(*shown_left, id="left")
        self._desk = Vertical(
            status,
            self._banner,
            self._table_rule,
            self.table,
            Horizontal(
                self._left,
                self._right,
                id="middle",
            ),
            bottom_rule,
            footer,
            self.notice,
        )
        self._of_call: tuple[Lines | Following, ...] = (
            self.transcript,
            left_rule,
            footer,
            *right,
        )
        self._others: tuple[Lines | Following, ...] = (
            status,
            self._banner,
            self._table_rule,
            bottom_rule,
            self._welcome,
            self.log_panel,
            self.notice,
            self._small,
        )

    def compose(self) -> ComposeResult:
        yield self._desk
        yield self._small

    def on_mount(self) -> None:
        self._arrange()
        self.set_interval(1 / self._frames, self.draw)
        # Its style sheet takes 20 ms to read, which the first paint need not wait for.
        self.call_after_refresh(self._mount_prompt)

    def _mount_prompt(self) -> None:
        # Whoever quits at once may be gone by now.
        if self._desk.is_attached:
            self._desk.mount(self._prompt)

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        self._small.display = width < LEAST_WIDTH or height < LEAST_HEIGHT
        self._desk.display = not self._small.display
        self.view.wide = width >= WIDE
        self._right.styles.width = max(49, min(72, width * 2 // 5))
        self._arrange()
        self.draw(everything=True)

    def draw(self, everything: bool = False) -> None:
        """Bring the screen up to date with the store: what nothing has touched is not even looked at."""
        store = self.view.store
        changed, moved, second = store.take_changes(), store.take_moves(), int(store.clock())
        ringing = store.sound.phone.ringing
        if ringing:
            self._ring()
        if store.sound.take_moves() or ringing:
            self._draw_sound()
        everything = everything or second != self._second or "" in changed
        if not (changed or moved or everything):
            return
        self._second = second
        self._select_expected()
        everything = self.view.settle() or everything
        self._arrange()
        self._frame += 1
        if everything or len(store.calls) <= _MANY_CALLS or self._frame % _FRAMES_OF_MANY == 0:
            self.table.sync()
        if everything or self.view.selected in changed:
            for widget in self._of_call:
                widget.sync()
            if self._turn_ends is not None:
                self._turn_ends.sync()
            if self.panel is not None:
                self.panel.sync()
        if everything:
            for widget in self._others:
                widget.sync()
            self._follow_recording()

    def situation(self) -> Situation:
        """What decides which commands can be used now."""
        store, call = self.view.store, self.view.call
        return Situation(
            agent="" if store.agent.phase == "up" else f"the agent is {_WHY[store.agent.phase]}",
            calls=len(store.calls),
            selected=call is not None,
            selected_live=call is not None and call.state.live,
            turns=len(self.view.turns()),
            wide=self.view.wide,
            remote=self._remote,
            listening=call is not None and call.state.listening.session > 0,
            in_room=call is not None and call.state.line == "livekit",
            **self._desk_situation(),
        )

    def _desk_situation(self) -> dict[str, Any]:
        store, call = self.view.store, self.view.call
        found: dict[str, Any] = {
            "phone": self._no_phone(),
            "holding": bool(store.sound.held),
            "whispering": bool(store.sound.whispered),
            "ringing": store.sound.phone.ringing,
        }
        if call is not None:
            desk = call.state.desk
            found |= {
                "talking": call.state.live and bool(call.state.answered_mono),
                "heard": store.sound.listens_to(call.state.id),
                "held_by": desk.held_by,
                "muted": bool(desk.muted_by),
                "recording": desk.recording.state,
            }
        return found

    def _no_phone(self) -> str:
        """Why the softphone cannot be used, or nothing."""
        store = self.view.store
        if self._remote:
            return "the agent is remote, and the softphone needs the simulator of this machine"
        if store.services.get("line") == "LIVE":
            return "the line is LIVE, and the softphone is for the simulated one: sidetone --line sim"
        return "" if store.simulator.phase == "up" else f"the simulator is {_WHY[store.simulator.phase]}"

    def _has_keys(self) -> str | None:
        """The panel that has the keys, "" for the prompt or a question, None for the screen itself."""
        if self.focused is not self.panel:
            return ""
        return None if self.panel is None else self.panel.id or "panel"

    def _draw_sound(self) -> None:
        """Levels, the place in a recording, and what rings: nothing else moves with them."""
        self._follow_recording()
        self._banner.sync()
        if self.panel is not None:
            self.panel.sync()

    def _ring(self) -> None:
        now = self.view.store.clock()
        if now - self._rang >= _BELL_EVERY_S:
            self._rang = now
            self.app.bell()

    def _select_expected(self) -> None:
        """The call that was just dialled, here or with the softphone, as soon as it is known; what is typed at the
        prompt goes to the call it was begun for."""
        view = self.view
        if self._prompt.display:
            return
        if self.expected in view.store.calls:
            view.select(self.expected)
            self.expected = ""
        phoned = view.phone_call()
        if phoned is not None and phoned.state.id != self._phoned:
            self._phoned = phoned.state.id
            view.select(self._phoned)

    def _follow_recording(self) -> None:
        sound, view = self.view.store.sound, self.view
        before, view.played = view.played, None
        if sound.played is not None and sound.played.call == view.selected and view.call is not None:
            from console.playback import line_at

            view.played = line_at(view.call.state, sound.played.at_ms)
        if view.played is not before:
            self.transcript.sync()
            if view.played is not None:
                self.transcript.show_line(view.played)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A question, the prompt or a panel has the keys to itself."""
        if action != "command" or self.focused is None:
            return True
        keys = BY_NAME[str(parameters[0])].keys
        return self.focused is self.panel and any(map(self.view.ends_speaking, keys))

    def action_command(self, name: str, argument: str = "") -> None:
        """A key, a click or the palette asks for a command."""
        reason = BY_NAME[name].reason(self.situation())
        if reason:
            self.view.store.tell("info", f"{name}: {reason}.")
            if name in WORDY and not argument:
                # Whoever begins to type as the call ends must not type commands.
                self.open_prompt(f"{name} ", (("Esc", reason),))
        else:
            self._actions.run(name, argument)
        self.draw(everything=True)

    def type_command(self, text: str) -> None:
        """A line of the ``:`` prompt."""
        try:
            command, argument = parse(text)
        except UnknownCommand as error:
            self.view.store.tell("warn", str(error))
            self.draw()
        else:
            self.action_command(command.name, argument)

    def ask(self, text: str, **answers: Callable[[], None]) -> None:
        """Put a question on the bottom line; the keyword names are the keys that answer it."""
        self.close_prompt()
        self.notice.ask(Question(text, answers))
        self.set_focus(self.notice)

    def on_notice_line_answered(self) -> None:
        if self.notice.question is None:
            self.set_focus(self.panel)

    def open_prompt(
        self, text: str = "", keys: Sequence[tuple[str, str]] = (), tab: Callable[[], None] | None = None
    ) -> None:
        """Show the ``:`` prompt in place of the notices; ``keys`` are told meanwhile, ``tab`` is what that key
        does."""
        self.notice.display = False
        self._prompt.open(text, tab)
        self._footer.instead = (lambda: keys) if keys else None
        self.set_focus(self._prompt)

    def close_prompt(self) -> None:
        if self._prompt.display:
            self._prompt.display = False
            self.notice.display = True
            self._footer.instead = self._panel_keys
            self.set_focus(self.panel)

    def open_panel(self, panel: Lines, keys: Keys) -> None:
        """Put a panel with keys of its own below the transcript, in place of the one that is there."""
        self.close_panel()
        self.view.showing_log = False
        self.panel, self._panel_keys, self._footer.instead = panel, keys, keys
        self._left.mount(panel)
        self.set_focus(panel)

    def close_panel(self) -> None:
        if self.panel is not None:
            self.panel.remove()
            self.panel, self._panel_keys, self._footer.instead = None, None, None
            self.set_focus(None)

    @property
    def reading(self) -> Following:
        """What the scroll keys move."""
        return self.log_panel if self.view.showing_log else self.transcript

    def on_call_table_chosen(self, message: CallTable.Chosen) -> None:
        self.view.select(message.call)
        self.draw(everything=True)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and event.worker.node is self:
            error = event.worker.error
            self.view.store.tell("error", f"{event.worker.name} failed: {type(error).__name__}: {error}")

    def _arrange(self) -> None:
        """Which widgets are there, and how high the table is."""
        view = self.view
        calls, call = bool(view.store.calls), view.call is not None
        rows = self._banner.height_now()
        self._banner.display = rows > 0
        if rows:
            self._banner.styles.height = rows
        self.table.display = self._table_rule.display = calls and not view.zoomed
        if calls:
            self.table.styles.height = self.table.height_for(self.size.height)
        self._right.display = call and view.column
        self._line.styles.height = self._line.height_now()
        view.both = (
            self.size.height - (self.table.height_for(self.size.height) if calls else 0) - rows - 6 >= _BOTH
        )
        for widget in self._latency_page:
            widget.display = view.both or not view.endings
        if self._turn_ends is None and call and (view.inspecting or view.endings or (view.both and view.column)):
            from console.screens.turn_ends import TurnEnds

            self._turn_ends = TurnEnds(view, self._left, self._right, before=self._below_turn)
        if self._turn_ends is not None:
            self._turn_ends.arrange()
        self._welcome.display = not call and not view.showing_log
        self.transcript.display = call and not view.showing_log and not view.inspecting
        self.log_panel.display = view.showing_log

    def _joint(self) -> int:
        return self.size.width - self._right.size.width if self._right.display else -1

    def _left_words(self) -> tuple[str, str | Row]:
        symbols, view = self.view.symbols, self.view
        if view.showing_log:
            return "agent log", self._place(self.log_panel, "g back")
        call = view.call
        if call is None:
            return "sidetone", ""
        number = view.store.number_of(view.selected)
        title = f"{number} {words.number(call.state.number)}"
        carried = "room" if call.state.line == "livekit" else call.state.framework
        if carried not in ("", "pipecat"):
            title += f" {symbols.dot} {carried}"
        if view.inspecting:
            return title, turn_ends.across(call.state.listening.heard)
        if view.wide:
            title = f"transcript {symbols.dot} {title}"
        place = ""
        if view.played is None:
            place = self._place(self.transcript, f"{symbols.following} following" if call.state.live else "")
        return title, desk_words(view, call, place, self.transcript.size.width - len(title) - 8)

    def _place(self, panel: Following, rest: str) -> str:
        if panel.following:
            return rest
        new = f"{panel.unseen} new, " if panel.unseen else ""
        return f"{self.view.symbols.slow} {new}f follows"


_WHY = {
    "off": "not started yet",
    "starting": "still starting",
    "crashed": "down: g shows why",
    "stopping": "stopping",
    "stopped": "stopped",
}
