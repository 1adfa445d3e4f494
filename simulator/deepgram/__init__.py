"""Stands in for Deepgram's streaming text to speech."""

from __future__ import annotations

from simulator.deepgram.routes import routes

__all__ = ["routes"]
