"""Stands in for OpenAI's Chat Completions with a deterministic front desk instead of a model."""

from __future__ import annotations

from simulator.openai.routes import routes

__all__ = ["routes"]
