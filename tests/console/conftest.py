"""What the console's tests share: recorded events, a clock that stands still, the screen as text, and a stand-in
for a running agent and simulator."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from textual.events import Paste
from textual.pilot import Pilot

from agent import api, events, paths
from console.app import ConsoleApp
from console.client import AgentError, Endpoint
from console.preferences import Preferences
from console.process_state import ProcessState
from console.sound.protocol import Configure, Device, Devices, Order, Report
from console.sound_desk import SoundDesk
from console.store import Store
from console.symbols import UNICODE, Symbols
from tests.picture import picture

HERE = Path(__file__).parent
NOW = 1_795_280_655.0
"""2026-11-21 17:04:15 UTC, when the calls of clinic.ndjson are in the middle of things."""
TOKEN = "let me in"
DEVICES = Devices(
    backend="sounddevice",
    devices=[
        Device("Desk microphone", "ALSA", microphone=True, speaker=False, default_microphone=True),
        Device("Headset", "ALSA", microphone=True, speaker=True, headset=True),
        Device("Loudspeaker", "ALSA", microphone=False, speaker=True, default_speaker=True),
    ],
    microphone="Desk microphone",
    speaker="Loudspeaker",
    echo=True,
)
SIMULATED = {"line": "SIM", "stt": "SIM", "llm": "SIM", "tts": "SIM"}


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class FakeClient:
    """The agent's address, for the sound process."""

    async def endpoint(self) -> Endpoint:
        return Endpoint("http://127.0.0.1:8790", TOKEN)

    async def recording_of(self, call: str) -> Endpoint:
        return Endpoint(f"http://127.0.0.1:8790/calls/{call}/recording", TOKEN)


class FakePort:
    """In place of a sound process: keeps its orders; ``devices`` is what it answers."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.devices = DEVICES
        self.running = True
        self.tell: Callable[[Report], object] = lambda _: None
        self.restarted: Callable[[], object] = lambda: None

    def send(self, order: Order) -> None:
        if not self.running:
            self.running = True
            self.restarted()
        self.orders.append(order)

    async def ask(self, order: Order, _answer: type[Report], within_s: float = 20.0) -> Report:
        self.send(order)
        self.tell(self.devices)
        return self.devices

    async def close(self) -> None:
        self.running = False

    def sent(self, kind: type[Order]) -> list[Any]:
        return [order for order in self.orders if isinstance(order, kind)]


class FakeSession:
    """In place of console.session.Session: keeps what it was asked to do, and refuses when told to."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.remote = ""
        self.preferences = Preferences(folder / "console.json")
        self.dialled: list[str] = []
        self.hung_up: list[str] = []
        self.tuned: list[tuple[str, dict[str, Any]]] = []
        self.ignores: dict[str, str] = {}
        self.ended_turns: list[str] = []
        self.saved: list[str] = []
        self.restarts = 0
        self.stepped_in: list[tuple[str, str, str]] = []
        self.recorded: list[tuple[str, str]] = []
        self.port = FakePort()
        self.simulator = Endpoint("http://127.0.0.1:8791", TOKEN)
        self.sound = SoundDesk(store, FakeClient(), Configure, self._open_port, self._simulator)  # type: ignore[arg-type]
        self.closed: tuple[bool, bool] | None = None
        self.refusal = ""

    @property
    def line(self) -> str:
        return self.store.services.get("line", "LIVE")

    def start(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    async def dial(self, number: str, band: str = "") -> str:
        if self.refusal:
            raise AgentError(self.refusal)
        self.dialled.append(number)
        return "c_new"

    async def hang_up(self, call: str) -> None:
        if self.refusal:
            raise AgentError(self.refusal)
        self.hung_up.append(call)

    async def tune(self, call: str, fields: Mapping[str, Any]) -> api.TuneAnswer:
        if self.refusal:
            raise AgentError(self.refusal)
        self.tuned.append((call, dict(fields)))
        return api.TuneAnswer(dict(fields), self.ignores)

    async def end_turn(self, call: str) -> api.TuneAnswer:
        if self.refusal:
            raise AgentError(self.refusal)
        self.ended_turns.append(call)
        return api.TuneAnswer({}, {})

    async def save_tuning(self, call: str) -> api.SaveAnswer:
        if self.refusal:
            raise AgentError(self.refusal)
        self.saved.append(call)
        return api.SaveAnswer("/home/ada/clinic.toml", {"min_turn_silence": 600}, {"prompt": "it is of this call"})

    async def step_in(self, call: str, action: str, text: str = "") -> None:
        if self.refusal:
            raise AgentError(self.refusal)
        self.stepped_in.append((call, action, text))

    async def recording(self, call: str, action: str) -> None:
        if self.refusal:
            raise AgentError(self.refusal)
        self.recorded.append((call, action))

    def restart_agent(self) -> None:
        self.restarts += 1

    def _open_port(self, configure: Configure, tell: Any, restarted: Any) -> FakePort:
        self.port.tell, self.port.restarted = tell, restarted
        return self.port

    async def _simulator(self) -> Endpoint:
        return self.simulator

    async def close(self, stop: bool, attached: bool = False) -> list[ProcessState]:
        self.closed = (stop, attached)
        return []


def _health(**changes: Any) -> api.Health:
    given: dict[str, Any] = {
        "status": "ok", "version": "0.1.0", "pid": 48121, "framework": "pipecat", "definition": "clinic",
        "services": SIMULATED, "calls": 0, "seq": 0, "uptime_ms": 760_000, "rss_mb": 180,
    }  # fmt: skip
    return api.Health(**{**given, **changes})


def _bring_up(store: Store, **changes: Any) -> None:
    store.process_changed(ProcessState("simulator", "up", pid=48120, port=8791, since=store.clock()))
    store.process_changed(ProcessState("agent", "up", pid=48121, port=8790, since=store.clock()))
    store.feed(api.Snapshot(0, "attach", _health(**changes), []))


def _recorded(name: str) -> list[events.Event]:
    return [events.decode(line) for line in (HERE / "data" / f"{name}.ndjson").read_bytes().splitlines()]


@dataclass(slots=True)
class Opened:
    """The console on a screen of its own."""

    app: ConsoleApp
    pilot: Pilot[Any]
    store: Store
    session: FakeSession

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        """Put ``text`` into the input that has the focus, at once."""
        assert self.app.focused is not None
        self.app.focused.post_message(Paste(text))
        await self.settle()

    async def settle(self) -> None:
        """Let everything that was asked for happen and be drawn."""
        await self.app.workers.wait_for_complete()
        for _ in range(2):
            self.app.main.draw(everything=True)
            await self.pilot.pause()

    @property
    def text(self) -> str:
        """The screen as plain text, without colours."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips) + "\n"

    @property
    def bottom(self) -> str:
        """The last line of the screen."""
        return self.text.splitlines()[-1].strip()

    @property
    def shown_call(self) -> str:
        return self.app.view.selected


OpenConsole = Callable[..., contextlib.AbstractAsyncContextManager[Opened]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    return Store(clock)


@pytest.fixture
def health() -> Callable[..., api.Health]:
    return _health


@pytest.fixture
def bring_up() -> Callable[..., None]:
    """An agent and a simulator that run, and a first snapshot without calls."""
    return _bring_up


@pytest.fixture
def recorded() -> Callable[[str], list[events.Event]]:
    return _recorded


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("SIDETONE_ASCII", "SIDETONE_FPS", "SSH_CONNECTION", "SSH_TTY", "NO_COLOR", "SIDETONE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SIDETONE_OPERATOR", "console")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def open_console(store: Store, tmp_path: Path) -> OpenConsole:
    """Opens the console with the calls of a recording, or without any calls, or without an agent."""

    @contextlib.asynccontextmanager
    async def opened(
        width: int = 80, height: int = 24, calls: str = "clinic", symbols: Symbols = UNICODE, **changes: Any
    ) -> AsyncIterator[Opened]:
        session = FakeSession(store, tmp_path)
        app = ConsoleApp(session, symbols)  # type: ignore[arg-type]
        async with app.run_test(size=(width, height)) as pilot:
            if calls != "no agent":
                _bring_up(store, **changes)
            if calls not in ("no agent", "none"):
                for event in _recorded(calls):
                    store.feed(event)
            console = Opened(app, pilot, store, session)
            await console.settle()
            yield console

    return opened


@pytest.fixture
def golden() -> Callable[[Opened, str], None]:
    """Compares words and picture with golden/NAME.txt and .svg; UPDATE_GOLDEN=1 writes them."""

    def compare(console: Opened, name: str) -> None:
        for suffix, shown in ((".txt", console.text), (".svg", picture(console.app))):
            file = HERE / "golden" / f"{name}{suffix}"
            if os.environ.get("UPDATE_GOLDEN"):
                file.write_text(shown)
            assert shown == file.read_text(), f"the screen differs from {file}; UPDATE_GOLDEN=1 rewrites it"

    return compare


@dataclass(slots=True)
class House:
    """A running agent and simulator as far as their clients can tell, in the test's own process."""

    port: int = 0
    health: api.Health = field(default_factory=_health)
    stream: list[str] = field(default_factory=list)
    """What ``/events`` sends after the snapshot, once something was dialled."""
    report: dict[str, Any] = field(default_factory=dict)
    dialled: list[dict[str, Any]] = field(default_factory=list)
    dialled_in: list[dict[str, Any]] = field(default_factory=list)
    hung_up: list[str] = field(default_factory=list)
    tuned: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    scripts: dict[str, Any] = field(default_factory=dict)
    asked_from: list[str | None] = field(default_factory=list)
    present: list[str | None] = field(default_factory=list)
    """Who followed the events, by name."""
    desk: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """What operators asked for: the call, operator or recording, and the request."""
    silence: str = ""
    refusal: tuple[int, str] | None = None
    readers: set[WebSocket] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def send(self, *texts: str) -> None:
        for text in texts:
            for reader in list(self.readers):
                await reader.send_text(text)

    async def cut(self) -> None:
        """Break every connection to ``/events``."""
        for reader in list(self.readers):
            await reader.close(1011)

    def routes(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/health", self._guarded(self._say_health)),
                Route("/calls", self._guarded(self._dial), methods=["POST"]),
                Route("/calls/{call}/hangup", self._guarded(self._hang_up), methods=["POST"]),
                Route("/calls/{call}/stt", self._guarded(self._tune), methods=["POST"]),
                Route("/calls/{call}/{what:str}", self._guarded(self._step_in), methods=["POST"]),
                Route("/calls/{call}/stt/save", self._guarded(self._save_tuning), methods=["POST"]),
                WebSocketRoute("/events", self._events),
                Route("/sim/health", self._guarded(self._simulator_health)),
                Route("/sim/numbers/{number}", self._guarded(self._put_number), methods=["PUT"]),
                Route("/sim/calls", self._guarded(self._dial_in), methods=["POST"]),
                Route("/sim/calls/{call:path}", self._guarded(self._report)),
            ]
        )

    def _guarded(self, face: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guard(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return _json({"error": "The token is missing or wrong."}, 401)
            if self.refusal is not None and request.method == "POST":
                return _json({"error": self.refusal[1]}, self.refusal[0])
            return await face(request)

        return guard

    async def _simulator_health(self, _request: Request) -> Response:
        return _json({"status": "ok", "speech": {"voice": None, "why_not": self.silence or None}})

    async def _say_health(self, _request: Request) -> Response:
        return _json(self.health)

    async def _dial(self, request: Request) -> Response:
        self.dialled.append(await request.json())
        await self.send(*self.stream)
        return _json({"call": "c_1"}, 201)

    async def _dial_in(self, request: Request) -> Response:
        self.dialled_in.append(await request.json())
        await self.send(*self.stream)
        return _json({"call_control_id": "v3:x"}, 201)

    async def _hang_up(self, request: Request) -> Response:
        self.hung_up.append(request.path_params["call"])
        return _json({})

    async def _tune(self, request: Request) -> Response:
        asked = await request.json()
        self.tuned.append((request.path_params["call"], asked))
        return _json({"sent": asked["fields"], "ignored": {}})

    async def _step_in(self, request: Request) -> Response:
        self.desk.append((request.path_params["call"], request.path_params["what"], await request.json()))
        return _json({})

    async def _save_tuning(self, request: Request) -> Response:
        self.tuned.append((request.path_params["call"], await request.json()))
        return _json({"path": "/agent.toml", "values": {"min_turn_silence": 600}})

    async def _put_number(self, request: Request) -> Response:
        self.scripts[request.path_params["number"]] = await request.json()
        return Response(status_code=204)

    async def _report(self, _request: Request) -> Response:
        return _json(self.report)

    async def _events(self, websocket: WebSocket) -> None:
        if websocket.headers.get("authorization") != f"Bearer {TOKEN}":
            await websocket.close(4401)
            return
        await websocket.accept()
        after = websocket.query_params.get("from")
        self.asked_from.append(after)
        self.present.append(websocket.query_params.get("who"))
        first = {"type": "resumed", "from": int(after), "seq": int(after)} if after is not None else None
        snapshot = {"type": "snapshot", "seq": 0, "reason": "attach", "health": self.health, "calls": []}
        await websocket.send_text(msgspec.json.encode(first or snapshot).decode())
        self.readers.add(websocket)
        with contextlib.suppress(WebSocketDisconnect):
            await websocket.receive_text()
        self.readers.discard(websocket)


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """The stand-in, listening, and written down in the data folder as a running agent and simulator."""
    made = House()
    config = uvicorn.Config(made.routes(), port=0, lifespan="off", log_config=None, ws="websockets-sansio")
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    made.port = server.servers[0].sockets[0].getsockname()[1]
    running = {"pid": os.getpid(), "port": made.port, "token": TOKEN, "host": "127.0.0.1", "version": "0"}
    for name in ("agent", "simulator"):
        (paths.data_dir() / f"{name}.json").write_text(json.dumps(running))
    yield made
    await made.cut()
    server.should_exit = True
    await serving
