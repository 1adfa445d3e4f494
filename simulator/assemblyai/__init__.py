"""Stands in for AssemblyAI's v3 streaming speech to text."""

from __future__ import annotations

from simulator.assemblyai.routes import routes

__all__ = ["routes"]
