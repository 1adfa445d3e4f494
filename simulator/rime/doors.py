"""How every WebSocket of Rime's is opened, refused and closed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from simulator.faults import Fault
from simulator.rime.parameters import Refused
from simulator.rime.speaking import Broken

log = logging.getLogger(__name__)

_TEXTS: Final = {401: "invalid api key", 403: "access forbidden", 429: "Currently at websocket limit"}


def check_key(headers: Headers) -> None:
    """Raises Refused: any key will do, but there must be one, as a bearer token."""
    if "authorization" not in headers:
        raise Refused(401, "Missing Authorization header")
    scheme, _, key = headers["authorization"].partition(" ")
    if scheme.lower() not in ("bearer", "api-key"):
        raise Refused(401, "invalid api key")
    if not key.strip():
        raise Refused(401, "empty apikey")


async def refuse(socket: WebSocket, status: int, text: str) -> None:
    """An HTTP answer instead of the upgrade, with Rime's plain text."""
    log.info("Rime's stand-in refused a connection: %s", text)
    await socket.send_denial_response(PlainTextResponse(text, status))


async def passes(socket: WebSocket, fault: Fault | None) -> bool:
    """Show the fault; whether the connection is then accepted as usual."""
    if fault is None:
        return True
    await asyncio.sleep(fault.after_ms / 1000)
    if fault.code == 200:
        return True
    if fault.code == 0:
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
    elif fault.code >= 1000:
        await socket.accept()
        await socket.close(fault.code, _reason(fault.text))
    else:
        await refuse(socket, fault.code, fault.text or text_for(fault.code))
    return False


def text_for(status: int) -> str:
    """Rime's text for an HTTP status."""
    return _TEXTS.get(status, "internal error")


async def serve(
    socket: WebSocket,
    receive: Callable[[str | bytes], Awaitable[None]],
    run: Coroutine[Any, Any, None],
) -> None:
    """Carry one accepted connection until either side closes it: `receive` takes messages, `run` speaks."""
    tasks = {asyncio.create_task(run), asyncio.create_task(_receive(socket, receive))}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except Broken as broken:
        if broken.code != 1000:
            log.info("Rime's stand-in closed a connection: %s", broken.reason)
        # A client that says eos often closes the socket itself without waiting.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await socket.close(broken.code, _reason(broken.reason))
    except WebSocketDisconnect:
        log.debug("A client of Rime's is gone.")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _receive(socket: WebSocket, receive: Callable[[str | bytes], Awaitable[None]]) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text = message.get("text")
        await receive(text if text is not None else message.get("bytes") or b"")


def _reason(text: str) -> str:
    """A close reason holds 123 bytes of UTF-8."""
    return text.encode()[:123].decode(errors="ignore")
