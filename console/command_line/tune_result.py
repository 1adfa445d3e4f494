"""What a setting did to callers: how often it cut them off, how long they waited, what was understood. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agent import turn_detection
from agent.turn_detection import Heard
from console.command_line.tune_grid import Setting
from console.command_line.tune_recordings import Recording
from console.command_line.tune_session import BLOCK_MS, Listened
from console.environment import Mode
from console.words import percentile

_LOST = 0.8
"""A setting that hears fewer words than this share of the most has lost some."""
_ANSWER_BLOCKS = 2
_SAME_MS = 50
"""Waits that differ by no more are the same."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One setting on one recording. ``waits_ms`` has the audio from the last word to the end of each turn, in
    their order; ``problem`` is one sentence when the session did not come to its end."""

    setting: Setting
    recording: Recording
    service: Mode
    turns: int = 0
    cut_offs: int = 0
    waits_ms: tuple[int, ...] = ()
    words: int = 0
    transcripts: tuple[str, ...] = ()
    recogniser: str = ""
    ignored: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting on all recordings; with a ``problem`` the figures count for nothing. ``best`` are those that
    no other beats: fewer cut-offs cost a longer wait, and the other way round."""

    setting: Setting
    parts: tuple[Measured, ...]
    waits_ms: tuple[int, ...]
    turns: int
    cut_offs: int
    words: int
    problem: str = ""
    lost_words: bool = False
    best: bool = False

    @property
    def usable(self) -> bool:
        return not self.problem and bool(self.waits_ms)

    @property
    def p50_ms(self) -> int:
        return percentile(list(self.waits_ms), 0.5)

    @property
    def p95_ms(self) -> int:
        return percentile(list(self.waits_ms), 0.95)


def measure(
    setting: Setting, recording: Recording, listened: Listened, agent_spoke: Sequence[bool] = ()
) -> Measured:
    """What ``setting`` did to the caller; ``agent_spoke`` tells of each 100 ms of the recording."""
    ended = [one for one in listened.heard if one.ended_by and one.transcript]
    return Measured(
        setting,
        recording,
        listened.mode,
        turns=len(ended),
        cut_offs=_cut_offs(ended, agent_spoke),
        waits_ms=tuple(turn_detection.waits_ms(ended)),
        words=sum(len(one.transcript.split()) for one in ended),
        transcripts=tuple(one.transcript for one in ended),
        recogniser=listened.listening.engine or listened.listening.model,
        ignored=dict(listened.listening.ignored),
        warnings=tuple(listened.warnings),
        problem=listened.problem,
    )


def rows(done: Sequence[Measured], settings: Sequence[Setting], recordings: int) -> list[Row]:
    """The ``settings`` that were tried on all ``recordings``, in their order."""
    found: list[Row] = []
    for setting in settings:
        parts = tuple(one for one in done if one.setting.name == setting.name)
        if len(parts) == recordings:
            found.append(_row(setting, parts))
    most = max((row.words for row in found if row.usable), default=0)
    found = [replace(row, lost_words=row.usable and row.words < _LOST * most) for row in found]
    return [replace(row, best=_unbeaten(row, found)) for row in found]


def advised(found: Sequence[Row]) -> Row | None:
    """The setting with the fewest cut-offs, and of those the one with the shortest wait; where several are as good
    as each other, the present one or the first."""
    best = [row for row in found if row.best]
    fewest = min((row.cut_offs for row in best), default=0)
    equal = [row for row in best if row.cut_offs == fewest]
    return next((row for row in equal if row.setting.now), next(iter(equal), None))


def _cut_offs(ended: Sequence[Heard], agent_spoke: Sequence[bool]) -> int:
    """Callers who spoke on right after an end of turn, less those whom the agent had answered by then: a longer
    silence than in the recorded call ends a turn only just before the caller replies."""
    return sum(
        turn_detection.cut_off(this, after) and not _answered(this, after, agent_spoke)
        for this, after in itertools.pairwise(ended)
    )


def _answered(this: Heard, after: Heard, agent_spoke: Sequence[bool]) -> bool:
    last_word_ms = this.ended_at_ms - this.silence_ms
    return sum(agent_spoke[last_word_ms // BLOCK_MS : after.started_ms // BLOCK_MS]) >= _ANSWER_BLOCKS


def _row(setting: Setting, parts: tuple[Measured, ...]) -> Row:
    return Row(
        setting,
        parts,
        waits_ms=tuple(wait for one in parts for wait in one.waits_ms),
        turns=sum(one.turns for one in parts),
        cut_offs=sum(one.cut_offs for one in parts),
        words=sum(one.words for one in parts),
        problem=next((f"{one.recording.path.name}: {one.problem}" for one in parts if one.problem), ""),
    )


def _unbeaten(row: Row, found: Sequence[Row]) -> bool:
    rivals = [other for other in found if other.usable and not other.lost_words]
    return row in rivals and not any(_beats(other, row) for other in rivals)


def _beats(other: Row, row: Row) -> bool:
    if other.cut_offs == row.cut_offs:
        return other.p50_ms < row.p50_ms - _SAME_MS
    return other.cut_offs < row.cut_offs and other.p50_ms <= row.p50_ms + _SAME_MS
