"""Where a bot listens, and how a call reaches it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from console.http_client import Http, Unreachable

USUAL_PORTS = (7860, 8000, 8765, 8080, 5000, 3000)
"""Pipecat's runner, uvicorn, the usual WebSocket example, and what other frameworks begin with."""
_CONNECT_S = 1.0
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class AddressError(Exception):
    """The address of the bot cannot be used; one sentence."""


@dataclass(frozen=True, slots=True)
class Address:
    """What to knock at: ``url`` is empty when only the port is known."""

    host: str
    port: int
    url: str = ""


class _Status(msgspec.Struct):
    status: str
    transports: list[str]


def candidates(words: Sequence[str], bot_url: str, port: str = "") -> list[Address]:
    """Where the bot of a command line may listen, likeliest first. ``port`` is that of the environment.

    Raises:
        AddressError: ``bot_url`` is no http(s) or ws(s) address.
    """
    if bot_url:
        with contextlib.suppress(ValueError):
            parts = urlsplit(bot_url)
            if parts.scheme in _DEFAULT_PORTS and parts.hostname:
                return [Address(parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme], bot_url)]
        raise AddressError(
            "--bot-url takes an address such as http://localhost:8000/texml or ws://localhost:8765/ws."
        )
    host = _option(words, "--host") or "localhost"
    host = "localhost" if host in ("0.0.0.0", "::") else host
    port = _option(words, "--port") or _option(words, "-p") or port
    if port.isascii() and port.isdigit() and 0 < int(port) < 65_536:
        return [Address(host, int(port))]
    return [Address(host, port) for port in USUAL_PORTS]


async def listens(address: Address) -> bool:
    """Whether somebody accepts connections there."""
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(address.host, address.port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def target(address: Address, words: Sequence[str], http: Http) -> list[str]:
    """The options of ``sidetone simulator call`` that reach the bot.

    Pipecat's runner tells its transports at ``/status``. Its TeXML names the host of ``-x``, so without one the
    stream is opened where the TeXML would lead; every other bot is asked for TeXML.
    """
    if address.url:
        return ["--url" if address.url.startswith("ws") else "--texml", address.url]
    host = f"[{address.host}]" if ":" in address.host else address.host
    here = f"{host}:{address.port}"
    proxy = _option(words, "-x") or _option(words, "--proxy")
    if not proxy and await _is_pipecat_runner(f"http://{here}", http):
        return ["--url", f"ws://{here}/ws"]
    return ["--texml", f"http://{here}/"]


async def _is_pipecat_runner(url: str, http: Http) -> bool:
    try:
        status, body = await http.request("GET", f"{url}/status", "none")
        return status == 200 and msgspec.json.decode(body, type=_Status).status == "ready"
    except (Unreachable, msgspec.DecodeError):
        return False


def _option(words: Sequence[str], name: str) -> str:
    """The value of the last ``name value`` or ``name=value`` of a command line."""
    found = ""
    for place, word in enumerate(words):
        if word == name and place + 1 < len(words):
            found = words[place + 1]
        elif name.startswith("--") and word.startswith(f"{name}="):
            found = word[len(name) + 1 :]
    return found
