from __future__ import annotations

import sys
from pathlib import Path

from fake_process import run

port, folder = (sys.argv[sys.argv.index(name) + 1] for name in ("--port", "--data-dir"))
run("simulator", int(port), Path(folder), {"/sim/health": {}})
