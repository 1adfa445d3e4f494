"""A softphone's connection: ``WS /sim/phone``, a person with microphone and speaker in the place of a script."""

from __future__ import annotations

from simulator.phone.connection import routes

__all__ = ["routes"]
