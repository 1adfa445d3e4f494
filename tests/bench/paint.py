"""The console's first paint: from the start of its process to the first frame, and to the whole screen."""

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
    frames: list[float] = []
    screens: list[float] = []
    with tempfile.TemporaryDirectory() as data:
        environment = {"SIDETONE_DATA_DIR": data}
        for _ in range(_RUNS + 1):
            terminal = Terminal([sidetone], environment, 80, 24)
            frames.append(terminal.read(20, until=b"sidetone") * 1000)
            screens.append(terminal.read(20, until=b"quit") * 1000)
            terminal.close()
            # What the killed console had started by then.
            subprocess.run(  # noqa: ASYNC221
                [sidetone, "stop"], env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=False
            )
    return [
        (f"console: first frame, best / median of {_RUNS}, warm", _best_and_median(frames)),
        ("console: the whole screen, in which keys work", _best_and_median(screens)),
    ]


def _best_and_median(times: list[float]) -> str:
    return f"{min(times[1:]):.0f} / {statistics.median(times[1:]):.0f} ms"
