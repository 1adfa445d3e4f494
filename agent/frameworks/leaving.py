"""How the agent of a call comes to its end, whatever framework runs it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from agent import events
from agent.frameworks import Job

NO_AUDIO_S: Final = 6.0
"""Seconds after which a voice that accepted text and stays silent is taken for broken."""

End = Callable[[str], Awaitable[None]]


class Leaving:
    """The end of one session: why, since when, and what has to wait for an operator."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.begun = False
        self.reason = ""
        """Why the agent hangs up, for people; empty when the conversation was over."""
        self.after_hold: Callable[[], Awaitable[None]] | None = None
        """What ends the call once the operator gives it back."""
        self._over_at = 0

    def left_to_operator(self, held: bool, reason: str, end: End) -> bool:
        """Whether an operator has the call, which then ends no sooner than the agent is to go on alone."""
        if not held:
            return False
        if self.after_hold is None:
            self.after_hold = lambda: end(reason)
            message, fix = f"The agent cannot go on alone: {reason}", "It ends the call once it has it back."
            self._job.emit(events.Error(where="agent", message=message, fix=fix))
        return True

    def begin(self, reason: str) -> None:
        """The agent ends the call, for this reason."""
        self.begun, self.reason = True, reason
        self._job.emit(
            events.Error(where="agent", message=f"The agent ends the call: {reason}", fix="See the errors before.")
        )

    def voice_is_silent(self) -> bool:
        """Whether the caller waits in vain for what the agent was to say, which is told."""
        if self.begun or not self._job.turns.waiting_for_audio(time.monotonic_ns(), NO_AUDIO_S):
            return False
        message = f"The voice service gave no audio within {NO_AUDIO_S:.0f} s."
        self._job.emit(events.Error(where="tts", message=message, fix="Look at the service's status."))
        return True

    def line_is_over(self) -> None:
        """Nothing can be said any more."""
        self.begun, self._over_at = True, self._over_at or time.monotonic_ns()
        self._job.tap.close()

    def tell_last_words(self) -> None:
        """What the caller said and nobody answers any more is a turn all the same."""
        job = self._job
        text, confidence = job.tap.unanswered.take()
        if text:
            job.turns.user_stopped(
                text,
                decided_by="hangup",
                declared=self._over_at or time.monotonic_ns(),
                last_voiced=job.line.ear.last_voiced,
                confidence=confidence,
            )
