"""Draws the README's picture: the console on a real call between the demonstration's caller and the agent.

Run as ``python -m tests.screenshot FILE``; it starts an agent and a simulator of its own and takes a minute.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from agent.call_state import CallState
from console import symbols
from console.app import ConsoleApp
from console.options import Options
from console.session import Session
from console.store import Store
from tests.picture import picture

SIZE = (120, 40)
_WAIT_S = 120


async def draw(file: Path) -> None:
    """Write the screen at the moment when the caller speaks again after having cut in."""
    store = Store()
    app = ConsoleApp(Session(store, Options(simulated=("stt", "llm", "tts"))), symbols.UNICODE)
    async with app.run_test(size=SIZE) as pilot:
        await _until(lambda: store.agent.phase == "up" and store.linked)
        await pilot.press("d")
        await _until(lambda: any(_worth_a_picture(view.state) for view in store.calls.values()))
        app.main.draw(everything=True)
        await pilot.pause()
        file.write_text(picture(app))
        app.leave(stop=True)
        await _until(lambda: not app.is_running)


def _worth_a_picture(state: CallState) -> bool:
    """Three answered turns behind us, and a line in the middle of being spoken."""
    last = state.lines[-1] if state.lines else None
    speaking = last is not None and last.who == "caller" and not last.final and len(last.text.split()) >= 3
    return len(state.latencies_ms()) >= 3 and speaking


async def _until(fits: Callable[[], bool]) -> None:
    async with asyncio.timeout(_WAIT_S):
        while not fits():
            await asyncio.sleep(0.02)


def main() -> int:
    (name,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as data:
        os.environ["SIDETONE_DATA_DIR"] = data
        asyncio.run(draw(Path(name)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
