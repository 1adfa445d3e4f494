"""How a fault of an HTTP request is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request

from simulator.faults import Fault


async def show(fault: Fault | None, request: Request, failure: Callable[[int, str], Exception]) -> None:
    """Wait, or fall silent until the client is gone; returning means the usual answer.

    Raises what `failure` makes of an HTTP status and the fault's text.
    """
    if fault is None:
        return
    await asyncio.sleep(fault.after_ms / 1000)
    if fault.code == 0:
        while (await request.receive())["type"] != "http.disconnect":
            pass
    if fault.code != 200:
        raise failure(fault.code if 400 <= fault.code <= 599 else 500, fault.text)
