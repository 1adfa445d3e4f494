from __future__ import annotations

from tests.sound.link_house import engine, peer, reports
from tests.sound.pulse import first_in_line, pulse, pulse_server

__all__ = ["engine", "first_in_line", "peer", "pulse", "pulse_server", "reports"]
