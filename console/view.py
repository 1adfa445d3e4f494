"""What the operator is looking at; the widgets read it, the commands change it."""

from __future__ import annotations

from dataclasses import dataclass

from agent.call_state import Turn
from console.store import CallView, Store
from console.symbols import Symbols


@dataclass(slots=True)
class View:
    """``selected`` is a call's id; ``turn`` the number of the turn looked at, None for the latest."""

    store: Store
    symbols: Symbols
    selected: str = ""
    turn: int | None = None
    errors_only: bool = False
    wide: bool = False
    showing_log: bool = False
    zoomed: bool = False

    @property
    def call(self) -> CallView | None:
        return self.store.calls.get(self.selected)

    def turns(self) -> list[Turn]:
        """The turns of the selected call that the caller spoke, in order."""
        return [] if self.call is None else [turn for turn in self.call.state.turns if turn.number]

    def shown_turn(self) -> Turn | None:
        """The turn looked at: the chosen one, or the latest that was answered."""
        turns = self.turns()
        if self.turn is not None:
            return next((turn for turn in turns if turn.number == self.turn), None)
        return next((turn for turn in reversed(turns) if turn.total_ms is not None), turns[-1] if turns else None)

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
