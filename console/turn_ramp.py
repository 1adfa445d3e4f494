"""The ramp of a turn in cells: how sure of its end the service was, over the audio of the turn."""

from __future__ import annotations

from dataclasses import dataclass

from agent.turn_detection import Heard, words_of

_MS_PER_CELL = 80
"""At most, so that the silence at the end stays wide enough to see; of a longer turn only its end is shown."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """``values`` are what the last message said in each cell, None before the first one. ``boundary`` is the cell
    where the last word is over; ``cut`` says that the turn began earlier."""

    values: list[float | None]
    boundary: int
    spoke_ms: int
    silence_ms: int
    cut: bool


def ramp(heard: Heard, cells: int) -> Ramp | None:
    """None where the turn's times are not known."""
    points = heard.ramp
    if cells < 1 or not points or not points[-1].audio_ms:
        return None
    end = max(heard.ended_at_ms, points[-1].audio_ms)
    begin = heard.started_ms if 0 <= heard.started_ms < end else points[0].audio_ms
    spoken = words_of(heard)
    last_word = min(end, spoken[-1].end_ms if spoken and spoken[-1].end_ms else end)
    span = max(1, min(end - begin, cells * _MS_PER_CELL))
    left = end - span
    values: list[float | None] = []
    known, place = None, 0
    for cell in range(cells):
        until = left + span * (cell + 1) / cells
        while place < len(points) and points[place].audio_ms <= until:
            known, place = points[place].confidence, place + 1
        values.append(known)
    boundary = max(0, round((last_word - left) / span * cells))
    return Ramp(values, boundary, max(0, last_word - begin), end - last_word, left > begin)


def untold(heard: Heard) -> bool:
    """Whether the service said nothing of the end before it came, as Universal-3 does."""
    return len(heard.ramp) > 1 and not any(point.confidence for point in heard.ramp[:-1])
