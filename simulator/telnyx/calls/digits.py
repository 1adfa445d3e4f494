"""Keys that the application sends to a leg's telephone, in their own time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from simulator.telnyx.calls.leg import CallLeg

_PAUSES: Final = {"w": 0.5, "W": 1.0}
"""Seconds (Telnyx, "Send DTMF")."""
_GAP: Final = 0.1


async def send_digits(leg: CallLeg, digits: str, duration_ms: int = 250) -> None:
    for digit in digits:
        pause = _PAUSES.get(digit)
        if pause is not None:
            await asyncio.sleep(pause)
            continue
        leg.key_arrives(digit)
        await asyncio.sleep(duration_ms / 1000 + _GAP)
