"""Telnyx's REST interface below `/v2`."""
