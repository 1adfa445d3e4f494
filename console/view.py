"""What the operator is looking at; the widgets read it, the commands change it."""

from __future__ import annotations

from dataclasses import dataclass

from agent.call_state import Line, Turn
from agent.turn_detection import Heard
from console.commands import BY_NAME
from console.store import CallView, Store
from console.symbols import Symbols


@dataclass(slots=True)
class View:
    """``selected`` is a call's id; ``turn`` the number of the turn looked at, None for the latest.

    ``endings`` shows why turns ended where their latencies are else; ``both`` says that there is room for both.
    ``inspecting`` shows turn detection in full in place of the transcript.
    """

    store: Store
    symbols: Symbols
    selected: str = ""
    turn: int | None = None
    errors_only: bool = False
    wide: bool = False
    showing_log: bool = False
    zoomed: bool = False
    endings: bool = False
    both: bool = False
    inspecting: bool = False
    played: Line | None = None
    """The line of the selected call's transcript that is heard from its recording."""

    @property
    def call(self) -> CallView | None:
        return self.store.calls.get(self.selected)

    def ends_speaking(self, key: str) -> bool:
        """Whether the key closes the operator's microphone: such a key works above every panel."""
        sound = self.store.sound
        name = "take-over" if sound.held else "whisper" if sound.whispered else ""
        return bool(name) and key in BY_NAME[name].keys

    def phone_call(self) -> CallView | None:
        """The call of the softphone, as the agent knows it."""
        report = self.store.sound.phone.report
        if report is None or not report.call_control_id:
            return None
        known = self.store.calls.values()
        return next((call for call in known if call.state.call_control_id == report.call_control_id), None)

    def played_call(self) -> CallView | None:
        """The call whose recording is open."""
        played = self.store.sound.played
        return self.store.calls.get(played.call) if played is not None else None

    def turns(self) -> list[Turn]:
        """The turns of the selected call that the caller spoke, in order."""
        return [] if self.call is None else [turn for turn in self.call.state.turns if turn.number]

    def shown_turn(self) -> Turn | None:
        """The turn looked at: the chosen one, or the latest that was answered."""
        turns = self.turns()
        if self.turn is not None:
            return next((turn for turn in turns if turn.number == self.turn), None)
        return next((turn for turn in reversed(turns) if turn.total_ms is not None), turns[-1] if turns else None)

    def shown_heard(self) -> Heard | None:
        """What AssemblyAI told of the turn looked at; of the latest even while it is spoken."""
        heard = self.call.state.listening.heard if self.call is not None else []
        if self.turn is None:
            return heard[-1] if heard else None
        return next((one for one in reversed(heard) if one.turn == self.turn), None)

    @property
    def open_session(self) -> int:
        """The AssemblyAI session in which a turn of the selected call may still end, 0 for none."""
        return self.call.state.listening.session if self.call is not None and self.call.state.live else 0

    @property
    def column(self) -> bool:
        """Whether the column with the turns is there."""
        return self.wide and not self.zoomed

    def next_look(self) -> str:
        """What the inspect command shows next: the other page of the column, all of it, or the words again."""
        if self.inspecting:
            return "back"
        return "why it ended" if self.column and not (self.both or self.endings) else "in full"

    def inspect(self) -> None:
        """Go on to the next look."""
        if self.inspecting:
            self.inspecting = self.endings = False
        elif self.column and not (self.both or self.endings):
            self.endings = True
        else:
            self.inspecting = True

    def step_turn(self, step: int) -> None:
        """Look at the turn ``step`` places further; past the last one is the latest again."""
        turns, shown = self.turns(), self.shown_turn()
        if shown is None:
            return
        place = turns.index(shown) + step
        self.turn = turns[max(0, place)].number if place < len(turns) else None

    def step_call(self, step: int) -> None:
        """Select the call ``step`` places further down the list."""
        listing = self.store.listing()
        if not listing:
            return
        place = self.store.number_of(self.selected) - 1
        self.select(listing[min(max(0, place + step), len(listing) - 1)].state.id)

    def select(self, call: str) -> None:
        """Look at another call, at its latest turn."""
        if call != self.selected:
            self.selected, self.turn = call, None

    def settle(self) -> bool:
        """Select the first call when none is selected; returns whether that was so."""
        if self.call is not None or not self.store.calls:
            return False
        self.select(self.store.listing()[0].state.id)
        return True
