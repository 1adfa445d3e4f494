"""How the ends of turns are written, on the screen and in plain output alike."""

from __future__ import annotations

from collections.abc import Sequence

from agent.turn_detection import Heard, HeardWord, Listening, cut_off, cut_offs, waits_ms
from console import words
from console.text import clean

UNSURE = 0.6
"""A word less certain than this is marked."""
_NAMED = 3
_PUNCTUATION = ".,;:!?…。、"

_SHORT = {
    "confidence": "complete",
    "max_silence": "max silence",
    "forced": "forced",
    "hangup": "hung up",
}


def ended(heard: Heard, session: int) -> str:
    """What ended a turn: ``complete after 384 ms``, ``max silence 1536 ms``, ``forced by operator``… ``session``
    is the one that is open, 0 when the call is over."""
    silence = f"{heard.silence_ms} ms" if heard.ended_at_ms else ""
    match heard.ended_by:
        case "confidence":
            return f"complete after {silence}" if silence else "complete"
        case "max_silence":
            return f"max silence {silence}".rstrip()
        case "forced":
            by = f"forced by {who(heard.forced_by)}" if heard.forced_by else "forced"
            return f"{by} after {silence}" if silence else by
        case "hangup":
            return "the call ended"
        case _:
            return "not over yet" if heard.session == session else "no end came"


def short(heard: Heard, session: int) -> str:
    """What ended a turn in at most eleven characters."""
    return _SHORT.get(heard.ended_by) or ("open" if heard.session == session else "no end")


def who(name: str) -> str:
    """A client of the agent as it is named for people."""
    return {"console": "operator", "framework": "the framework"}.get(name, name)


def final(heard: Heard) -> str:
    """How long the final took, and how sure of the end of turn it was."""
    parts = [f"final {heard.final_ms} ms after the last word"] if heard.final_ms else []
    if heard.confidence is not None:
        parts.append(f"eot {words.confidence(heard.confidence)}")
    return "  ".join(parts)


def spoke_on(heard: Heard, after: Heard | None) -> str:
    """How the caller was cut off, or nothing."""
    if after is None or not cut_off(heard, after):
        return ""
    gap = after.started_ms - heard.ended_at_ms
    return f"cut off: the caller spoke on {gap} ms later" if gap > 0 else "cut off: the caller was still speaking"


def following(all_heard: Sequence[Heard], heard: Heard) -> Heard | None:
    """The turn that came after ``heard``."""
    place = next((place for place, one in enumerate(all_heard) if one is heard), len(all_heard))
    return all_heard[place + 1] if place + 1 < len(all_heard) else None


def across(all_heard: Sequence[Heard]) -> str:
    """The two numbers that tuning trades against each other, or nothing when no turn has ended."""
    waits = waits_ms(all_heard)
    if not waits:
        return ""
    p50, p95 = (words.percentile(waits, share) for share in (0.5, 0.95))
    return f"cut off {cut_offs(all_heard)} of {len(waits)}   waited p50 {p50}, p95 {p95} ms"


def unsure(word: HeardWord) -> bool:
    return word.confidence < UNSURE


def unsure_words(listening: Listening, key: str) -> str:
    """The words of a transcript line that may have been misheard, or nothing: ``unsure: appointment``."""
    for heard in reversed(listening.heard[-3:]):
        if key == f"stt:{heard.session}:{heard.order}":
            found = [clean(word.text).strip(f" {_PUNCTUATION}") for word in heard.words if unsure(word)]
            return f"unsure: {' '.join(found[:_NAMED])}{'…' if len(found) > _NAMED else ''}" if found else ""
    return ""


def marked(word: HeardWord) -> str:
    """A word as it is written: an uncertain one with a question mark and its confidence."""
    if not unsure(word):
        return word.text
    return f"{word.text.rstrip(_PUNCTUATION) or word.text}?{words.confidence(word.confidence)}"
