"""The console's first paint: from the start of its process to the first frame in a terminal."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.terminal import Terminal

_RUNS = 9


async def run() -> list[tuple[str, str]]:
    command = Path(sys.executable).with_name("sidetone")
    times = []
    with tempfile.TemporaryDirectory() as data:
        environment = {"SIDETONE_DATA_DIR": data, "SIDETONE_TOKEN": "none"}
        for _ in range(_RUNS + 1):
            # Attached to nothing: the first paint waits for no agent anyway, and none has to be stopped.
            terminal = Terminal([str(command), "--attach", "http://127.0.0.1:9"], environment, 80, 24)
            times.append(terminal.read(20, until=b"quit") * 1000)
            terminal.close()
    return [
        (
            f"console: first paint, best / median of {_RUNS}, warm",
            f"{min(times[1:]):.0f} / {statistics.median(times[1:]):.0f} ms",
        )
    ]
