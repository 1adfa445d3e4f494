"""Checks on addresses that others give to the simulator. Pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_url(value: str, schemes: tuple[str, ...]) -> bool:
    """Whether `value` is an absolute URL of one of the schemes, with a host and a usable port."""
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def shown(url: str) -> str:
    """`url` as it may be logged: without credentials and query, and with the first part of its path only."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    first, _, rest = parts.path.lstrip("/").partition("/")
    return f"{parts.scheme}://{host}/{first}" + ("/…" if rest else "")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
