"""Stands in for Telnyx: Call Control, TeXML, webhooks and media streams."""

from __future__ import annotations

from simulator.telnyx.rest.calls import routes

__all__ = ["routes"]
