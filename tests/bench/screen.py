"""A hundred calls on the screen: 4,500 events a second over a real socket into the console, at 200x60."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent import api, events
from agent.call_state import CallState, Line
from tests.bench.stand_ins import serving
from tests.bench.terminal import Terminal

_CALLS, _SECONDS, _SETTLE = 100, 10.0, 3.0
_LEVELS, _WORDS = 40, 5
_SPEECH = "half past three would be fine and could you also tell me whether the doctor is in on Friday"
_HEALTH = api.Health(
    "ok", "0", 1, "pipecat", "front-desk", dict.fromkeys(("line", "stt", "llm", "tts"), "SIM"), 100, 0, 0, 0
)


async def run() -> list[tuple[str, str]]:
    agent = _Agent()
    async with serving(agent.app) as port:
        with tempfile.TemporaryDirectory() as data:
            found = await asyncio.to_thread(_watch, port, data)
    events_s = agent.sent / agent.seconds if agent.seconds else 0
    return [
        (f"screen of {_CALLS} calls at {events_s:,.0f} events/s: CPU of one core", f"{found['cpu']:.1f} %"),
        ("the same: loop lag p95 / max", f"{found['p95']:.1f} / {found['max']:.0f} ms"),
        ("the same: output", f"{found['kb']:.0f} kB/s"),
    ]


def _watch(port: int, data: str) -> dict[str, float]:
    lags = Path(data) / "lags.json"
    command = [sys.executable, "-m", "tests.bench.screen", f"http://127.0.0.1:{port}", str(lags)]
    terminal = Terminal(command, {"SIDETONE_DATA_DIR": data, "SIDETONE_TOKEN": "none"}, 200, 60)
    try:
        terminal.read(_SETTLE)
        before, cpu, began = len(terminal.received), terminal.cpu_s, time.perf_counter()
        terminal.read(_SECONDS)
        seconds = time.perf_counter() - began
        found = {
            "cpu": (terminal.cpu_s - cpu) / seconds * 100,
            "kb": (len(terminal.received) - before) / seconds / 1000,
        }
        late = sorted(json.loads(lags.read_text()))
    finally:
        terminal.close()
    return {**found, "p95": late[int(len(late) * 0.95)], "max": late[-1]}


class _Agent:
    """An agent that only has events."""

    def __init__(self) -> None:
        self.sent, self.seconds = 0, 0.0
        self.app = Starlette(routes=[Route("/health", self._health), WebSocketRoute("/events", self._events)])

    async def _health(self, _request: Request) -> Response:
        return Response(msgspec.json.encode(_HEALTH), media_type="application/json")

    async def _events(self, websocket: WebSocket) -> None:
        await websocket.accept()
        calls = [_call(n) for n in range(_CALLS)]
        snapshot = api.Snapshot(1, "attach", _HEALTH, calls)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await websocket.send_text(msgspec.json.encode(snapshot).decode())
            await self._talk(websocket, [call.id for call in calls])

    async def _talk(self, websocket: WebSocket, calls: list[str]) -> None:
        """Ticks of 25 ms, each a message; every call has a level in each, a word in every eighth, and a latency
        now and then."""
        began, seq, tick = time.perf_counter(), 1, 0
        while True:
            lines: list[bytes] = []
            for n, call in enumerate(calls):
                batch: list[events.Event] = [
                    events.MediaLevel(call=call, caller=-20 - (tick + n) % 30, agent=-50 + (tick + n) % 30)
                ]
                if (tick + n) % (_LEVELS // _WORDS) == 0:
                    batch.append(_word(call, tick))
                if (tick + n) % 120 == 0:
                    parts = {"end_of_turn": 400, "llm_first_token": 300, "tts_first_audio": 100, "first_media": 5}
                    batch.append(events.TurnLatency(call=call, turn=tick // 120 + 1, total_ms=805, parts=parts))
                for event in batch:
                    if not isinstance(event, events.MediaLevel):
                        seq += 1
                        event.seq, event.at, event.mono = seq, "2026-11-21T17:04:31.123Z", time.monotonic_ns()
                    lines.append(events.encode(event))
            await websocket.send_text(b"\n".join(lines).decode())
            self.sent += len(lines)
            tick += 1
            self.seconds = time.perf_counter() - began
            await asyncio.sleep(max(0.0, began + tick / _LEVELS - time.perf_counter()))


def _call(n: int) -> CallState:
    call = CallState(f"c_{n:010x}", to=f"+1555010{n:04}", phase="hearing", started_at="2026-11-21T17:00:00.000Z")
    call.started_mono = call.answered_mono = time.monotonic_ns() - 60_000_000_000
    call.lines = [Line("agent", "I can do two o'clock or half past three.", call.started_at, final=True)] * 20
    return call


def _word(call: str, tick: int) -> events.SttTurn:
    said, speech = tick // 8, _SPEECH.split()
    count = said % len(speech) + 1
    begin = (tick - 8 * count) * 1000 // _LEVELS
    message: dict[str, Any] = {
        "type": "Turn",
        "turn_order": said // len(speech),
        "end_of_turn": count == len(speech),
        "transcript": " ".join(speech[:count]),
        "end_of_turn_confidence": 0.4,
        "words": [
            {"text": word, "start": begin + 190 * n, "end": begin + 190 * n + 150, "confidence": 0.9}
            for n, word in enumerate(speech[:count])
        ],
    }
    return events.SttTurn(call=call, session=1, message=message, audio_ms=tick * 1000 // _LEVELS)


def _inside(url: str, lags: Path) -> None:
    """The console as ``sidetone --attach`` opens it, with a clock beside it in the same loop."""
    import gc

    gc.disable()
    from console import symbols
    from console.app import ConsoleApp
    from console.options import Options
    from console.session import Session
    from console.store import Store

    class Measured(ConsoleApp):
        def on_ready(self) -> None:
            self._clock = asyncio.create_task(self._measure())

        async def _measure(self) -> None:
            await asyncio.sleep(_SETTLE - 1)
            found: list[float] = []
            written = time.perf_counter()
            while True:
                began = time.perf_counter()
                await asyncio.sleep(0.01)
                found.append(max(0.0, (time.perf_counter() - began - 0.01) * 1000))
                if time.perf_counter() - written > 1:
                    lags.write_text(json.dumps(found))
                    found.append(0.0)
                    written = time.perf_counter()

    Measured(Session(Store(), Options(url=url, token="none")), symbols.choose()).run()


if __name__ == "__main__":
    _inside(sys.argv[1], Path(sys.argv[2]))
