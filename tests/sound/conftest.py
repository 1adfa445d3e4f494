from __future__ import annotations

from tests.sound.link_house import engine, peer, reports
from tests.sound.pulse import pulse, pulse_server

__all__ = ["engine", "peer", "pulse", "pulse_server", "reports"]
