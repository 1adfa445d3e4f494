"""The caller's side of a call as a state machine on 20 ms ticks. Pure.

Each tick it is told whether the agent's voice was heard, and says what the caller does in that tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from simulator.audio import FRAME_MS
from simulator.caller.hearing import Hearing
from simulator.caller.script import AgentEvent, Script, Turn

BREATH_MS: Final = 400
"""From the answer to the first word of a caller who does not wait for a greeting."""
_GIVE_UP_AFTER: Final = 2
"""Lines in a row without an answer before the caller gives up."""


@dataclass(slots=True)
class Line:
    """What became of one turn. Ticks count from the answer."""

    turn: Turn
    ticks: int
    started: int | None = None
    ended: int | None = None
    answered_at: int | None = None
    heard_ticks: int = 0
    cut_in: bool = False

    def report(self) -> dict[str, Any]:
        """Milliseconds from the answer. `answer_after_ms` counts from the end of the line; it is negative when the
        agent began before the caller had finished."""
        after = (
            None if self.answered_at is None or self.ended is None else (self.answered_at - self.ended) * FRAME_MS
        )
        line: dict[str, Any] = {
            "text": self.turn.user or "",
            "started_ms": None if self.started is None else self.started * FRAME_MS,
            "ended_ms": None if self.ended is None else self.ended * FRAME_MS,
            "answered": self.answered_at is not None,
            "answer_after_ms": after,
            "heard_ms": self.heard_ticks * FRAME_MS,
            "cut_in": self.cut_in,
        }
        if self.turn.dtmf is not None:
            line["dtmf"] = self.turn.dtmf
        return line


class Step(NamedTuple):
    """What the caller does in one tick: tick `offset` of line `line`, silence (`line` None), or hanging up."""

    line: int | None = None
    offset: int = 0
    hang_up: bool = False


def _not_before(tick: int | None, other: int | None) -> bool:
    return tick is not None and other is not None and tick >= other


_SILENCE: Final = Step()
_HANG_UP: Final = Step(hang_up=True)


class Conversation:
    def __init__(self, script: Script, line_ticks: Sequence[int]) -> None:
        """`line_ticks`: the length of each turn of the script."""
        self.lines = [Line(turn, ticks) for turn, ticks in zip(script.turns, line_ticks, strict=True)]
        self.hearing = Hearing()
        self.warnings: list[str] = []
        self._script = script
        self._next = 0
        self._saying: int | None = None
        self._waiting_since = 0
        """Tick at which the wait for the agent began: the answer, or the end of the caller's last line."""
        self._await_agent = script.wait_for_greeting
        self._unanswered = 0
        self._pause_from: int | None = None
        self._done = False

    def tick(self, voiced: bool) -> Step:
        self.hearing.tick(voiced)
        now = self.hearing.now
        if self._done:
            return _SILENCE
        if now * FRAME_MS >= self._script.max_seconds * 1000:
            self.warnings.append(f"The caller hung up because the call reached {self._script.max_seconds} s.")
            return self._finish(_HANG_UP)
        self._credit(voiced)
        if self._saying is not None:
            return self._say(self._saying, now)
        return self._listen(now)

    def end(self) -> None:
        """The call is over: a line that is being said ends here."""
        self._done = True
        if self._saying is not None:
            self.lines[self._saying].ended = self.hearing.now + 1
            self._saying = None

    def _credit(self, voiced: bool) -> None:
        """Note what is heard as the answer to the line said last, and when that answer began."""
        line = self._last_said()
        if line is None or line.ended is None:
            return
        line.heard_ticks += voiced
        hearing = self.hearing
        if line.answered_at is None and hearing.speaking and _not_before(hearing.started, line.started):
            line.answered_at = hearing.started

    def _say(self, index: int, now: int) -> Step:
        line = self.lines[index]
        if line.started is None:
            line.started = now
            line.cut_in = self.hearing.speaking and not self._is_quiet()
        offset = now - line.started
        if offset + 1 >= line.ticks:
            line.ended = now + 1
            self._saying = None
            self._waiting_since = now + 1
            self._await_agent = True
        return Step(index, offset)

    def _listen(self, now: int) -> Step:
        if self._pause_from is None:
            timed_out = self._waited_too_long(now)
            if self._next == len(self.lines):
                return self._goodbye() if timed_out or self._agent_finished() else _SILENCE
            if self._is_time_for(self.lines[self._next].turn, now):
                self._unanswered = 0
            elif not timed_out:
                return _SILENCE
            elif self._gives_up():
                return self._goodbye()
            self._pause_from = now
        if (now - self._pause_from) * FRAME_MS < self.lines[self._next].turn.pause_ms:
            return _SILENCE
        self._pause_from = None
        self._saying = self._next
        self._next += 1
        return self._say(self._saying, now)

    def _goodbye(self) -> Step:
        """There is nothing left to say: hang up, or wait for the agent to do it."""
        return self._finish(_HANG_UP) if self._script.hang_up else _SILENCE

    def _gives_up(self) -> bool:
        """One more line went without an answer; whether the caller has had enough."""
        self._unanswered += 1
        if self._unanswered < _GIVE_UP_AFTER:
            return False
        self._next = len(self.lines)
        self.warnings.append("The caller gave up: the agent did not answer twice in a row.")
        return True

    def _is_time_for(self, turn: Turn, now: int) -> bool:
        if turn.send_after is None:
            return self._agent_finished()
        since = self._event_tick(turn.send_after.event)
        return since is not None and (now - since) * FRAME_MS >= turn.send_after.delay_ms

    def _event_tick(self, event: AgentEvent | None) -> int | None:
        """When the event of `send_after` happened since the caller's last line, or None."""
        if event is None:
            return self._waiting_since
        started = self._answer_started()
        if started is None or event == "bot_started_speaking":
            return started
        return None if self.hearing.speaking else self.hearing.last_voiced

    def _agent_finished(self) -> bool:
        """Whether the awaited speech has come and gone; if none is awaited, whether the caller drew breath."""
        if not self._await_agent:
            return self.hearing.now * FRAME_MS >= BREATH_MS
        return self._answer_started() is not None and self._is_quiet()

    def _waited_too_long(self, now: int) -> bool:
        return (now - self._waiting_since) * FRAME_MS >= self._script.answer_timeout_ms and self._is_quiet()

    def _is_quiet(self) -> bool:
        return self.hearing.quiet_ticks() * FRAME_MS >= self._script.patience_ms

    def _answer_started(self) -> int | None:
        """When the agent began to answer the caller's last line, or its greeting before the first one."""
        line = self._last_said()
        return self.hearing.started if line is None else line.answered_at

    def _last_said(self) -> Line | None:
        """The line being said or said last."""
        return self.lines[self._next - 1] if self._next else None

    def _finish(self, step: Step) -> Step:
        self.end()
        return step
