from __future__ import annotations

import os
import sys
from pathlib import Path

from fake_process import run

port = int(sys.argv[sys.argv.index("--port") + 1]) if "--port" in sys.argv else 0
run("agent", port, Path(os.environ["SIDETONE_DATA_DIR"]), {"/health": {}})
