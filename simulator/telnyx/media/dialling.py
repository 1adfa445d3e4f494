"""Opening a media WebSocket as Telnyx does, and as a simulator on the same machine must."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from picows import WSError, ws_connect

from simulator.addresses import is_loopback, shown
from simulator.telnyx.findings import Findings, Rule
from simulator.telnyx.media.socket import MAX_MESSAGE_BYTES, MediaSocket

AUTH_HEADER: Final = "x-telnyx-streaming-auth-token"
_OPEN_SECONDS: Final = 5.0
_LOOPBACK_TLS_SECONDS: Final = 2.0
_URL_SAFE: Final = "%/:=&?~#+!$,;'@()*[]"

_Receive = Callable[[str | bytes], None]


class StreamFailed(Exception):
    """The application's WebSocket could not be opened; the text says why, in one sentence."""


async def dial(url: str, auth_token: str | None, receive: _Receive, findings: Findings) -> MediaSocket:
    """Raises StreamFailed. `wss` to a loopback address takes any certificate, and falls back to `ws`."""
    if auth_token is not None and not (auth_token.isascii() and auth_token.isprintable()):
        raise StreamFailed("stream_auth_token cannot be sent in a header; use printable ASCII characters.")
    try:
        return await _dial(url, auth_token, receive)
    except (ssl.SSLError, ConnectionResetError, ConnectionAbortedError, TimeoutError) as error:
        if not _is_local_tls(url):
            raise _failed(url, error) from error
        refused = error
    except (OSError, ValueError, AssertionError, WSError) as error:
        raise _failed(url, error) from error
    plain = urlunsplit(urlsplit(url)._replace(scheme="ws"))
    try:
        socket = await _dial(plain, auth_token, receive)
    except (OSError, ValueError, AssertionError, WSError):
        raise _failed(url, refused) from refused
    findings.note(Rule.WSS_ON_PLAIN_PORT, shown(url))
    return socket


async def _dial(url: str, auth_token: str | None, receive: _Receive) -> MediaSocket:
    local = _is_local_tls(url)
    tls: dict[str, Any] = {"ssl_handshake_timeout": _LOOPBACK_TLS_SECONDS} if local else {}
    async with asyncio.timeout(_OPEN_SECONDS):
        _, listener = await ws_connect(
            lambda: MediaSocket(receive),
            _as_sent(url),
            ssl_context=_any_certificate() if local else None,
            websocket_handshake_timeout=_OPEN_SECONDS,
            extra_headers=[] if auth_token is None else [(AUTH_HEADER, auth_token)],
            enable_auto_pong=False,
            max_frame_size=MAX_MESSAGE_BYTES,
            max_redirects=0,
            **tls,
        )
    if not isinstance(listener, MediaSocket):
        raise ConnectionResetError("the connection was closed before the WebSocket was open")
    return listener


def _as_sent(url: str) -> str:
    """The URL with its path and query as an HTTP request line takes them, and without a fragment."""
    parts = urlsplit(url)
    return urlunsplit(
        parts._replace(path=quote(parts.path, _URL_SAFE), query=quote(parts.query, _URL_SAFE), fragment="")
    )


def _is_local_tls(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "wss" and is_loopback(parts.hostname or "")


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _failed(url: str, error: Exception) -> StreamFailed:
    late = "it did not answer in time" if isinstance(error, TimeoutError) else ""
    why = late or str(error).strip().rstrip(".") or type(error).__name__
    try:
        where = shown(url)
    except ValueError:
        where = "an address that is no URL"
    return StreamFailed(f"The media stream to {where} could not be opened: {why}.")
