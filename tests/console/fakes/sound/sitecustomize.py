"""On PYTHONPATH it puts ``fake_sound.py`` in the place of ``python -m console.sound``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.orig_argv[-1] == "console.sound":
    os.execv(sys.executable, [sys.executable, "-S", str(Path(__file__).parents[1] / "fake_sound.py")])
