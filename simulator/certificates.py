"""Whom the simulator's own requests trust."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def certificates() -> ssl.SSLContext:
    """The usual authorities, for every client of the process: reading them takes 40 ms each time."""
    return httpx.create_ssl_context(trust_env=False)
