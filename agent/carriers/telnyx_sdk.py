"""Telnyx's SDK without what calls have no use for."""

from __future__ import annotations

import sys

from agent import on_demand


def prepare() -> None:
    """Make ``import telnyx`` a light one; to be called before it, wherever it may be the process's first.

    ``telnyx/types/__init__.py`` and ``telnyx/resources/__init__.py`` (4.189) import nearly 3,000 modules, for 3 s
    of CPU at each start of an agent, and 50 MB.
    """
    if "telnyx" not in sys.modules:
        on_demand.prepare("telnyx.types", "telnyx.resources")
