"""`/sim`: what tests and the console ask of the simulator itself."""

from __future__ import annotations

from simulator.control.routes import routes

__all__ = ["routes"]
