"""Points a Pipecat bot at the simulator without a change to it. Pipecat loads this file in the bot's process.

Named in `PIPECAT_SETUP_FILES`, it is imported before the first pipeline connects. From then on every WebSocket and
aiohttp request of the process that is for a simulated vendor's host goes where the vendor's `*_BASE_URL` says,
including the hang-up of Pipecat's Telnyx serializer, whose address has no setting. Only addresses on this machine
count, so that a key never travels further than the simulator.
"""

from __future__ import annotations

import ipaddress
import os
from typing import Any
from urllib.parse import SplitResult, urlsplit

import aiohttp
from loguru import logger
from websockets.asyncio.client import connect

_BASES = {
    "api.telnyx.com": "TELNYX_BASE_URL",
    "api.openai.com": "OPENAI_BASE_URL",
    "api.deepgram.com": "DEEPGRAM_BASE_URL",
    "users.rime.ai": "RIME_BASE_URL",
    "users-ws.rime.ai": "RIME_BASE_URL",
    "coda.api.rime.ai": "RIME_BASE_URL",
    "mist.api.rime.ai": "RIME_BASE_URL",
    "streaming.assemblyai.com": "ASSEMBLYAI_BASE_URL",
    "streaming.eu.assemblyai.com": "ASSEMBLYAI_BASE_URL",
}
_PLAYED = {
    "api.deepgram.com": ("/v1/speak",),
    "users.rime.ai": ("/v1/rime-tts", "/ws"),
    "users-ws.rime.ai": ("/ws3", "/ws2", "/ws"),
    "streaming.assemblyai.com": ("/v3/ws",),
    "streaming.eu.assemblyai.com": ("/v3/ws",),
}
"""What the simulator has of a vendor of which it has not everything."""
_SECURE = {"http": "https", "ws": "wss"}
_told: set[str] = set()


def rebased(url: str) -> str:
    """`url` at the simulator when it is for a simulated vendor, else `url` itself. Path and query stay."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _on_this_machine(host):
        return url
    there = urlsplit(os.environ.get(_BASES.get(host, ""), ""))
    if not _on_this_machine(there.hostname or ""):
        _tell(host, f"{host} is not simulated: the bot uses the real service.")
        return url
    if host in _PLAYED and parts.path not in _PLAYED[host]:
        _tell(f"{host}{parts.path}", f"The simulator has {', '.join(_PLAYED[host])} of {host}, not {parts.path}.")
    return parts._replace(scheme=_scheme(parts, there), netloc=there.netloc).geturl()


def _scheme(parts: SplitResult, there: SplitResult) -> str:
    plain = "ws" if parts.scheme in ("ws", "wss") else "http"
    return _SECURE[plain] if there.scheme in _SECURE.values() else plain


def _on_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tell(what: str, sentence: str) -> None:
    """Once for each host or path; a process has few of them."""
    if what and what not in _told:
        _told.add(what)
        logger.warning(sentence)


_connect_init = connect.__init__
_aiohttp_request = aiohttp.ClientSession._request


def _init(self: connect, uri: str, *positional: Any, **named: Any) -> None:
    _connect_init(self, rebased(uri), *positional, **named)


async def _request(
    self: aiohttp.ClientSession, method: str, str_or_url: Any, **named: Any
) -> aiohttp.ClientResponse:
    url = str(str_or_url)
    # A relative address belongs to the session's own base.
    return await _aiohttp_request(self, method, rebased(url) if "://" in url else str_or_url, **named)


connect.__init__ = _init
aiohttp.ClientSession._request = _request


async def setup_worker_runner(runner: object) -> None:
    """Nothing more to do: importing this file did it."""


async def setup_pipeline_worker(worker: object) -> None:
    """Nothing more to do: importing this file did it."""
