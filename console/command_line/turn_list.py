"""``sidetone show ID --turns``: why each turn of a call ended, and the two numbers that tuning trades."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from agent.events import Event
from agent.turn_detection import Heard, Listening, cut_off, cut_offs, hear, waits_ms, words_of
from console import symbols, turn_ends, words
from console.text import clean
from console.turn_ramp import ramp

_CELLS = 40
_INDENT = " " * 9


@dataclass(frozen=True, slots=True)
class _Told:
    """A turn of AssemblyAI's and the wall time of its first message."""

    heard: Heard
    at: str


def show_turns(stream: Sequence[Event], as_json: bool) -> None:
    """Print the turns of one call's events in order, then what can be said across them."""
    listening = Listening()
    told: list[_Told] = []
    for event in stream:
        heard = hear(listening, event)
        # The listening forgets the words of old turns, but not those of the turns that somebody holds.
        if heard is not None and not any(one.heard is heard for one in told[-3:]):
            told.append(_Told(heard, event.at))
    all_heard = [one.heard for one in told]
    for one, after in zip(told, [*all_heard[1:], None], strict=False):
        sys.stdout.write(_json(one, after) if as_json else _text(one, after))
    sys.stdout.write(_summary(all_heard) if as_json else f"{turn_ends.across(all_heard) or 'No turn ended.'}\n")


def _text(told: _Told, after: Heard | None) -> str:
    heard, drawn = told.heard, symbols.choose()
    at = words.wall(words.epoch(told.at))
    split = "  split over a reconnect" if heard.split else ""
    head = [f"{heard.turn or drawn.dash:>4}", at, turn_ends.ended(heard, 0), turn_ends.final(heard)]
    rows = ["  ".join(filter(None, head)) + split]
    found = ramp(heard, _CELLS)
    if found is not None:
        steps = (0 if value is None else max(1, round(value * 8)) for value in found.values)
        bars = "".join(drawn.bars[step] for step in steps)
        rows.append(f"{bars}  speech {words.seconds(found.spoke_ms)} s, silence {found.silence_ms} ms")
    spoken = " ".join(map(turn_ends.marked, words_of(heard)))
    rows.append(clean(spoken or heard.transcript))
    cut = turn_ends.spoke_on(heard, after)
    rows += [f"{drawn.slow} {cut}"] if cut else []
    return f"{rows[0]}\n" + "".join(f"{_INDENT}{row}\n" for row in rows[1:])


def _json(told: _Told, after: Heard | None) -> str:
    heard = told.heard
    points = [
        {"audio_ms": point.audio_ms, "confidence": point.confidence, "words": point.words} for point in heard.ramp
    ]
    spoken = [
        {"text": word.text, "start_ms": word.start_ms, "end_ms": word.end_ms, "confidence": word.confidence}
        for word in words_of(heard)
    ]
    fields = {
        **msgspec.structs.asdict(heard), "at": told.at, "words": spoken, "ramp": points,
        "cut_off": cut_off(heard, after),
    }  # fmt: skip
    del fields["partial"]
    return msgspec.json.encode({"type": "turn", **fields}).decode() + "\n"


def _summary(all_heard: Sequence[Heard]) -> str:
    waits = waits_ms(all_heard)
    summary = {
        "type": "turns",
        "ended": len(waits),
        "cut_offs": cut_offs(all_heard),
        "waited_p50_ms": words.percentile(waits, 0.5) if waits else None,
        "waited_p95_ms": words.percentile(waits, 0.95) if waits else None,
    }
    return msgspec.json.encode(summary).decode() + "\n"
