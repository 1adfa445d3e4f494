"""``make bench``: measure and print a table; nothing is asserted, since machines differ."""

from __future__ import annotations

import asyncio
import importlib
import os
import platform
import sys
from pathlib import Path

BENCHES = ("paint", "screen", "tap", "overhead", "frameworks", "memory", "lines", "voice", "recogniser")


def main() -> int:
    """Run the named benchmarks, or all of them."""
    wanted = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        print(f"There is no benchmark {unknown[0]}: choose among {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    print(f"| {_machine()} | |\n| --- | --- |")
    for name in wanted:
        for what, figure in asyncio.run(importlib.import_module(f"tests.bench.{name}").run()):
            print(f"| {what} | {figure} |", flush=True)
    return 0


def _machine() -> str:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return f"{os.cpu_count()} cores, {cpu}, Python {platform.python_version()}, {platform.system()}"


if __name__ == "__main__":
    sys.exit(main())
