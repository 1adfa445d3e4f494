"""What the tap adds to a message: the same messages from a service straight to a client, and through the tap.

The service and the client are in one process, the tap in another (a whole agent would hide it in its noise). Each
message carries the time it was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

_MESSAGES, _EVERY_S = 1_500, 0.01
_TURN = {
    "turn_order": 0,
    "turn_is_formatted": False,
    "end_of_turn": False,
    "transcript": "I need to move my appointment to Thursday",
    "end_of_turn_confidence": 0.4,
    "words": [{"start": n, "end": n, "text": "word", "confidence": 0.9, "word_is_final": False} for n in range(8)],
    "utterance": "",
    "type": "Turn",
}


async def run() -> list[tuple[str, str]]:
    async with serve(_service, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        async with _tap(port) as tapped:
            straight, through = [], []
            for _ in range(2):
                straight += await _delays(f"ws://127.0.0.1:{port}/v3/ws")
                through += await _delays(tapped)
    added = [_at(through, share) - _at(straight, share) for share in (0.5, 0.99)]
    return [
        ("tap: added to a Turn, p50 / p99", f"{added[0]:.2f} / {added[1]:.2f} ms"),
        ("a Turn through the tap, p50 / p99", f"{_at(through, 0.5):.2f} / {_at(through, 0.99):.2f} ms"),
        ("through : straight, median", f"{statistics.median(through) / statistics.median(straight):.2f}"),
    ]


async def _service(connection: ServerConnection) -> None:
    begin = time.perf_counter()
    for n in range(_MESSAGES):
        await asyncio.sleep(max(0.0, begin + n * _EVERY_S - time.perf_counter()))
        await connection.send(json.dumps({**_TURN, "sent": time.perf_counter()}))
    await connection.send('{"type":"Termination","audio_duration_seconds":1,"session_duration_seconds":1}')


async def _delays(url: str) -> list[float]:
    found = []
    async with connect(url, proxy=None, compression=None) as client:
        async for message in client:
            now = time.perf_counter()
            sent = json.loads(message).get("sent")
            if sent is None:
                break
            found.append((now - sent) * 1000)
    return found[50:]


def _at(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


@contextlib.asynccontextmanager
async def _tap(port: int) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.tap", str(port), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield f"ws://127.0.0.1:{int(await process.stdout.readline())}/v3/ws"
    finally:
        process.terminate()
        await process.wait()


def _alone(service: int) -> None:
    """The tap in a process of its own, with a journal under it as in the agent."""
    import tempfile
    from pathlib import Path

    import uvloop
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute

    from agent.assemblyai_tap import Tap
    from agent.journal import Journal
    from tests.bench.stand_ins import serving

    async def main(folder: str) -> None:
        journal = Journal(Path(folder) / "journal.sqlite")
        journal.open()
        tap = Tap(f"ws://127.0.0.1:{service}/v3/ws", "key", journal.append, print)
        async with serving(Starlette(routes=[WebSocketRoute("/v3/ws", tap.serve)])) as port:
            print(port, flush=True)
            await asyncio.Event().wait()

    uvloop.install()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(folder))


if __name__ == "__main__":
    _alone(int(sys.argv[1]))
