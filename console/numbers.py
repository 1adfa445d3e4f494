"""Checks telephone numbers without making the screen wait for the tables that this needs."""

from __future__ import annotations

import asyncio
import importlib


async def check(text: str) -> str | None:
    """The number in E.164, or None when it cannot be one."""
    numbers = await asyncio.to_thread(importlib.import_module, "agent.numbers")
    return numbers.check_number(text)
