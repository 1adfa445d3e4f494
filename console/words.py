"""How numbers, times and endings are written, on the screen and in plain output alike."""

from __future__ import annotations

import re
from datetime import datetime
from typing import cast

from agent.call_state import CallState

SLOW_MS = 1_000
"""A caller who waits longer than this for an answer notices it."""

PARTS = {"end_of_turn": "eot", "llm_first_token": "llm", "tts_first_audio": "tts", "first_media": "out"}
"""The short names of turn.latency's parts, in the order in which they happen."""

_ONE_DIGIT = ("1", "7")
_TWO_DIGITS = re.compile(r"2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")
_CAUSES = {
    "dial_failed": "the carrier did not take the call",
    "media_lost": "the media stream broke off",
    "agent_lost": "the agent died during the call",
    "agent_stopped": "the agent was stopped",
}
_NOT_ANSWERED = ("no_answer", "timeout", "originator_cancel", "no-answer", "canceled")


def number(e164: str) -> str:
    """An E.164 number with its country code (ITU-T E.164 assignments) and the rest in groups, at most 17
    characters in all: one that is too long for that stays as it is."""
    if not e164.startswith("+") or not e164[1:].isdecimal():
        return e164
    digits = e164[1:]
    length = 1 if digits.startswith(_ONE_DIGIT) else 2 if _TWO_DIGITS.match(digits) else 3
    country, rest = digits[:length], digits[length:]
    groups: list[str] = []
    while len(rest) > 4:
        groups.append(rest[:3])
        rest = rest[3:]
    grouped = " ".join(part for part in (f"+{country}", *groups, rest) if part)
    return grouped if len(grouped) <= 17 else e164


def epoch(at: str) -> float:
    """The UTC time of an event in seconds since 1970, 0 when there is none."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return 0.0


def wall(seconds: float, pattern: str = "%M:%S") -> str:
    """Seconds since 1970 as local time."""
    return datetime.fromtimestamp(seconds).strftime(pattern)


def wall_fine(at: str) -> str:
    """An event's local time as ``mm:ss.cc``."""
    when = datetime.fromtimestamp(epoch(at))
    return f"{when:%M:%S}.{when.microsecond // 10_000:02}"


def duration(seconds: float) -> str:
    """``mm:ss``, or ``h:mm:ss`` from one hour on."""
    whole = max(0, int(seconds))
    if whole < 3600:
        return f"{whole // 60:02}:{whole % 60:02}"
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def seconds(milliseconds: int) -> str:
    """Milliseconds as seconds with two digits, such as ``0.81``."""
    return f"{milliseconds / 1000:.2f}"


def confidence(value: float) -> str:
    """A confidence as ``.94``; ``1.0`` for a certain one."""
    return "1.0" if value >= 0.995 else f".{max(0, round(value * 100)):02}"


def value(given: object) -> str:
    """A value of a setting: ``600``, ``0.4``, ``yes``, ``Ada, clinic``, or ``none``."""
    match given:
        case bool():
            return "yes" if given else "no"
        case float():
            return f"{given:g}"
        case list():
            return ", ".join(map(str, cast("list[object]", given))) or "none"
        case _:
            return str(given) if given not in (None, "") else "none"


def media(encoding: str, hertz: int, asked: str = "") -> str:
    """``PCMU 8000 Hz``, ``L16 16000 Hz HD``, and what was asked for where the line sends another."""
    found = f"{encoding} {hertz} Hz{' HD' if hertz > 8000 else ''}"
    return f"{found}, {asked} was asked for" if asked else found


def count(value: int) -> str:
    """Digits in groups of three, such as ``4 150``."""
    return f"{value:,}".replace(",", " ")


def plural(number: int, noun: str) -> str:
    """``1 turn``, ``2 turns``"""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def latency(total_ms: int, parts: dict[str, int], separator: str = " │ ") -> str:
    """``eot 180 │ llm 310 │ tts 140 │ out 12 │ e2e 642 ms``"""
    named = [f"{short} {parts[name]}" for name, short in PARTS.items() if name in parts]
    return separator.join([*named, f"e2e {total_ms} ms"])


def percentile(values: list[int], share: float) -> int:
    """The value below which ``share`` of ``values`` lie (nearest rank); ``values`` must not be empty."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def phase(state: CallState) -> str:
    """The call's state in one or two words of at most nine characters."""
    if state.live:
        return state.phase
    if state.answered_mono:
        return "failed" if state.detail or state.cause in ("media_lost", "agent_lost") else "ended"
    if state.ended_by in ("operator", "caller"):
        return "ended"
    if state.cause in _NOT_ANSWERED:
        return "no answer"
    return "busy" if state.cause in ("user_busy", "busy") else "failed"


def ending(state: CallState) -> str:
    """How a call ended, in words: ``ended normal_clearing by caller``, ``no answer``, ``busy: …``."""
    kind = phase(state)
    if kind == "failed":
        told = state.detail or (state.errors[-1] if state.errors else "")
        reason = _CAUSES.get(state.cause, state.cause)
        return f"failed: {told if told and state.cause != 'agent_lost' else reason}"
    by = f" by {state.ended_by}" if state.ended_by not in ("", "unknown") else ""
    if kind == "ended":
        return f"ended {state.cause}{by}"
    if state.detail:
        return f"{kind}: {state.detail}"
    return kind if state.cause.replace("_", " ") == kind else f"{kind} ({state.cause})"
