"""Calls in LiveKit rooms: a worker that takes them, dials them through a SIP trunk, and lets operators in."""
