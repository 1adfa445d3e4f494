"""Stands in for Rime's text to speech: its JSON and plain WebSockets, its WebSocket v1, and its HTTP endpoint."""

from __future__ import annotations

from simulator.rime.routes import routes

__all__ = ["routes"]
