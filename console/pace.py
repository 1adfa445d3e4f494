"""How often the screen is drawn."""

from __future__ import annotations

import os
from collections.abc import Mapping

LOCAL, REMOTE = 10.0, 4.0


def frames_per_second(environment: Mapping[str, str] | None = None) -> float:
    """Ten on this machine, four over SSH, or what SIDETONE_FPS says (0.5 to 30)."""
    env = os.environ if environment is None else environment
    try:
        asked = float(env.get("SIDETONE_FPS", ""))
    except ValueError:
        asked = 0.0
    if 0.5 <= asked <= 30:
        return asked
    return REMOTE if env.get("SSH_CONNECTION") or env.get("SSH_TTY") else LOCAL
