"""The console's first paint: from the start of its process to the first frame in a terminal."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.terminal import Terminal

_RUNS = 9


async def run() -> list[tuple[str, str]]:
    sidetone = str(Path(sys.executable).with_name("sidetone"))
    times = []
    with tempfile.TemporaryDirectory() as data:
        environment = {"SIDETONE_DATA_DIR": data}
        for _ in range(_RUNS + 1):
            terminal = Terminal([sidetone], environment, 80, 24)
            times.append(terminal.read(20, until=b"quit") * 1000)
            terminal.close()
            # What the killed console had started by then.
            subprocess.run(  # noqa: ASYNC221
                [sidetone, "stop"], env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=False
            )
    return [
        (
            f"console: first paint, best / median of {_RUNS}, warm",
            f"{min(times[1:]):.0f} / {statistics.median(times[1:]):.0f} ms",
        )
    ]
