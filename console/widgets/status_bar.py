"""The top line: the agent, what is simulated and what is live, how many calls, the time."""

from __future__ import annotations

from textual.strip import Strip

from console import room_words, words
from console.process_state import ProcessState
from console.styles import BAD, DIM, GOOD, LIVE, OPERATOR, PLAIN, REC, STRONG, WARN
from console.widgets.lines import Lines, Row

_MOST_SPARE = 4


class StatusBar(Lines):
    """Drops the least important parts until the rest fits; which service is live is never dropped."""

    def rows(self, width: int, height: int) -> list[Strip]:
        spare = 0
        left, right = self._left(spare), self._right(spare)
        while left.width + right.width + 1 > width and spare < _MOST_SPARE:
            spare += 1
            left, right = self._left(spare), self._right(spare)
        left.to(width - right.width)
        return [Strip.join([left.strip(left.width), right.strip(right.width)])]

    def _left(self, spare: int) -> Row:
        row = Row().add(" ")
        self._agent(row)
        if self.view.store.simulator.phase in ("starting", "crashed"):
            self._simulator(row)
        self._worker(row, spare)
        row.add("  " if spare < 4 else " ")
        separator = f" {self.view.symbols.dot} " if spare < 2 else " "
        for place, (service, mode) in enumerate(self.view.store.services.items()):
            row.add(separator if place else "", DIM)
            row.add(f"{service} ", DIM).add(mode, LIVE if mode == "LIVE" else GOOD)
        return row

    def _right(self, spare: int) -> Row:
        store, row = self.view.store, Row()
        self._desk(row, spare)
        if store.live:
            row.add(f"{store.live} live", STRONG).add("  " if spare < 1 else " ")
        if store.ended and spare < 3:
            row.add(f"{store.ended} done", DIM).add("  " if spare < 1 else " ")
        clock = "%H:%M:%S" if spare < 4 else "%H:%M"
        return row.add(words.wall(store.clock(), clock)).add(" ")

    def _desk(self, row: Row, spare: int) -> None:
        """What is recorded, and who is listened to here."""
        store, symbols = self.view.store, self.view.symbols
        live = [call.state.desk.recording for call in store.listing() if call.state.live]
        recorded, paused = sum(one.running for one in live), sum(one.state == "paused" for one in live)
        gap = "  " if spare < 1 else " "
        if recorded:
            row.add(f"{symbols.rec} REC", REC).add(f" {recorded}" if recorded > 1 else "", REC).add(gap)
        if paused:
            row.add(f"{symbols.paused} paused", WARN).add(f" {paused}" if paused > 1 else "", WARN).add(gap)
        ears = store.sound.ears
        if ears is not None and (number := store.number_of(ears.call)):
            row.add(f"{symbols.ears} {'' if spare > 2 else 'call '}{number}", OPERATOR).add(gap)

    def _agent(self, row: Row) -> None:
        store, symbols = self.view.store, self.view.symbols
        state, now = store.agent, store.clock()
        match state.phase:
            case "up" if not store.linked:
                row.add(f"{symbols.waiting} ", WARN).add("agent ", PLAIN).add("connecting", WARN)
            case "up":
                row.add(f"{symbols.up} ", GOOD).add("agent ").add(
                    f"up {words.duration(now - store.up_since)}", DIM
                )
            case "crashed":
                row.add(f"{symbols.bad} agent down", BAD).add(again(state, now), BAD)
            case "stopping":
                row.add(f"{symbols.waiting} agent stopping", WARN)
            case _:
                row.add(f"{symbols.waiting} ", WARN).add("agent ")
                row.add(f"starting {max(0, int(now - state.since)) if state.since else 0} s", WARN)

    def _worker(self, row: Row, spare: int) -> None:
        """Whether calls come in from rooms, and how near to its limit the worker is."""
        worker, symbols = self.view.store.worker, self.view.symbols
        if worker is None or self.view.store.agent.phase != "up":
            return
        row.add("  " if spare < 4 else " ")
        if worker.state != "registered":
            bad = worker.state == "lost"
            state = f" {worker.state}" if spare < 4 else ""
            row.add(f"{symbols.bad if bad else symbols.waiting} rooms{state}", BAD if bad else WARN)
            return
        full = worker.limit > 0 and worker.load >= worker.limit
        step = min(8, max(1, round(worker.load * 8)))
        row.add(f"{symbols.up} ", GOOD).add("rooms ")
        row.add(symbols.bars[step], BAD if full else GOOD)
        if spare < 3 or full:
            row.add(room_words.percent(worker.load).replace(" ", ""), BAD if full else DIM)
        if worker.refused and spare < 3:
            row.add(f" {worker.refused} refused", WARN)

    def _simulator(self, row: Row) -> None:
        state, now = self.view.store.simulator, self.view.store.clock()
        if state.phase == "crashed":
            row.add(f"  {self.view.symbols.bad} simulator down", BAD).add(again(state, now), BAD)
        elif self.view.store.agent.phase == "up":
            row.add(f"  {self.view.symbols.waiting} simulator starting", WARN)


def again(state: ProcessState, now: float) -> str:
    """When a crashed process is started again, if it is."""
    if not state.retry_at:
        return ""
    return f", again in {max(0, round(state.retry_at - now))} s"
