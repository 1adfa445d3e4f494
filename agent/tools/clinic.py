"""The clinic's appointment book, in memory: weekdays have slots, and a booked one is gone.

The slots of a day follow from its date alone, so that the same call meets the same free times again.
"""

from __future__ import annotations

import datetime
import hashlib

from agent.tools import Result

_TIMES = ("08:30", "09:15", "10:00", "11:30", "13:00", "14:00", "15:30", "16:45")
_OFFERED = 3
_booked: dict[str, str] = {}


async def find_slots(day: str, part_of_day: str = "any") -> Result:
    """Up to three free slots on ``day`` (ISO date)."""
    try:
        date = datetime.date.fromisoformat(day)
    except ValueError:
        return Result({"error": f"{day!r} is not a date; use YYYY-MM-DD"}, "not a date")
    if date < datetime.date.today():
        return Result({"slots": [], "note": "that day is in the past"}, "0 slots, in the past")
    if date.weekday() >= 5:
        return Result({"slots": [], "note": "closed at the weekend"}, "0 slots, closed")
    free = [
        {"slot_id": f"{day}T{time}", "time": time}
        for time in _TIMES
        if _open(day, time) and _fits(time, part_of_day)
    ][:_OFFERED]
    return Result({"day": day, "slots": free}, f"{len(free)} slot{'' if len(free) == 1 else 's'}")


async def book_slot(slot_id: str, name: str, reason: str = "") -> Result:
    """Book a slot that :func:`find_slots` offered; booking it twice fails."""
    day, _, time = slot_id.partition("T")
    if time not in _TIMES:
        return Result({"booked": False, "error": "there is no such slot; call find_slots first"}, "no such slot")
    if not _open(day, time):
        return Result({"booked": False, "error": "that slot is taken; call find_slots again"}, "taken")
    _booked[slot_id] = name
    return Result({"booked": True, "slot_id": slot_id, "name": name, "reason": reason}, f"booked {slot_id}")


def _open(day: str, time: str) -> bool:
    """About two of three slots are free."""
    digest = hashlib.sha256(f"{day} {time}".encode()).digest()
    return f"{day}T{time}" not in _booked and digest[0] % 3 != 0


def _fits(time: str, part_of_day: str) -> bool:
    morning = time < "12:00"
    return part_of_day not in ("morning", "afternoon") or morning == (part_of_day == "morning")
