"""A WebSocket of a service that speaks: how it fails at the upgrade, how it is carried, and how it is closed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from simulator.faults import Fault

log = logging.getLogger(__name__)

Send = Callable[[str | bytes], Awaitable[None]]


class Closed(Exception):
    """The service is to close the connection, with `code` and `reason`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def sender(socket: WebSocket) -> Send:
    async def send(message: str | bytes) -> None:
        await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_text(message))

    return send


async def passes(socket: WebSocket, fault: Fault | None, refuse: Callable[[int, str], Awaitable[None]]) -> bool:
    """Show a fault at connect, an HTTP status and its text by `refuse`; whether to go on as usual."""
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
        await refuse(fault.code, fault.text)
    return False


async def strike(fault: Fault | None, sent_ms: int, text: str) -> None:
    """Show a fault of an open connection once that much sound was sent; `text` is for one that has none.

    Raises Closed, or never returns.
    """
    if fault is None or sent_ms < fault.after_ms or fault.code == 200:
        return
    if fault.code == 0:
        await asyncio.Event().wait()
    raise Closed(fault.code, fault.text or text)


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
    except Closed as closed:
        if closed.code != 1000:
            log.info("A voice's stand-in closed a connection: %s", closed.reason)
        # A client that says goodbye often closes the socket itself without waiting.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await socket.close(closed.code, _reason(closed.reason))
    except WebSocketDisconnect:
        log.debug("A client of a voice is gone.")
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
