"""``sidetone listen``, ``say``, ``whisper``, ``mute``, ``take-over``, ``record`` and ``play`` against an agent
that answers as ours does, with files in place of sound devices."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import struct
import sys
import wave
from array import array
from collections.abc import AsyncIterator, Callable
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

from agent import api, audio_wire, events, paths
from agent.call_state import CallState
from agent.events import Event
from console.command_line.app import app

TOKEN = "let me in"
RATE = 16_000
FRAME = RATE // 50
HEALTH = api.Health("ok", "1", 1, "pipecat", "clinic", {}, 1, 0, 0, 0)


@dataclass
class Agent:
    """One live call, c_1aa. Keeps what it is asked, tells it as events, and sends a tone of the caller's."""

    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    heard: bytearray = field(default_factory=bytearray)
    spoke_to: list[str] = field(default_factory=list)
    refusal: str = ""
    frames: int = 0
    seq: int = 0
    happened: asyncio.Condition = field(default_factory=asyncio.Condition)
    readers: set[WebSocket] = field(default_factory=set)
    listeners: int = 0
    ends_after_s: float | None = None
    """When the call is over its sound ends, and its last event comes so much later."""
    calls: list[CallState] = field(
        default_factory=lambda: [CallState("c_1aa", phase="listening"), CallState("c_2bb", phase="ended")]
    )

    def routes(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/calls", self._list),
                Route("/calls/{call}/operator", self._operator, methods=["POST"]),
                Route("/calls/{call}/recording", self._record, methods=["POST"]),
                WebSocketRoute("/events", self._events),
                WebSocketRoute("/calls/{call}/audio", self._audio),
            ]
        )

    async def until(self, done: Callable[[], bool]) -> None:
        async with self.happened, asyncio.timeout(20):
            await self.happened.wait_for(done)

    async def tell(self, event: Event) -> None:
        self.seq += 1
        event.seq, event.at, event.call = self.seq, "2026-11-21T17:04:31.123Z", "c_1aa"
        for reader in list(self.readers):
            await reader.send_text(events.encode(event).decode())

    def actions(self) -> list[str]:
        return [asked["action"] for _, asked in self.asked]

    async def _note(self) -> None:
        async with self.happened:
            self.happened.notify_all()

    async def _list(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {TOKEN}":
            return Response(msgspec.json.encode(api.ErrorBody("No.")), 401)
        return Response(msgspec.json.encode(self.calls))

    async def _operator(self, request: Request) -> Response:
        asked = await request.json()
        if self.refusal:
            return Response(msgspec.json.encode(api.ErrorBody(self.refusal)), 409)
        self.asked.append((request.path_params["call"], asked))
        who = asked["who"]
        told = {
            "mute": events.OperatorMuted(who=who, muted=True),
            "unmute": events.OperatorMuted(who=who, muted=False),
            "take_over": events.OperatorTookOver(who=who),
            "hand_back": events.OperatorHandedBack(who=who, held_ms=900),
        }.get(asked["action"])
        if told is not None:
            await self.tell(told)
        await self._note()
        return Response(b"{}")

    async def _record(self, request: Request) -> Response:
        self.asked.append((request.path_params["call"], await request.json()))
        return Response(b"{}")

    async def _events(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_bytes(msgspec.json.encode(api.Snapshot(self.seq, "attach", HEALTH, self.calls[:1])))
        self.present.append(websocket.query_params.get("who", ""))
        self.readers.add(websocket)
        with contextlib.suppress(WebSocketDisconnect):
            await websocket.receive_text()
        self.readers.discard(websocket)

    async def _audio(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(msgspec.json.encode(audio_wire.Start("c_1aa", RATE, RATE, RATE)).decode())
        self.listeners += 1
        await self._note()
        sending = asyncio.create_task(self._tone(websocket))
        if self.ends_after_s is not None:
            await websocket.send_text(msgspec.json.encode(audio_wire.End()).decode())
            await asyncio.sleep(self.ends_after_s)
            await self.tell(events.CallEnded(cause="normal_clearing", source="caller", duration_ms=900))
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                if message.get("bytes"):
                    self.heard += audio_wire.decode(message["bytes"]).samples
                elif message.get("text"):
                    self.spoke_to.append(json.loads(message["text"])["to"])
                await self._note()
        sending.cancel()
        self.listeners -= 1
        await self._note()

    async def _tone(self, websocket: WebSocket) -> None:
        """The caller at 8,000, the agent silent, in real time."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(500):
            at_us = round((began + number * 0.02) * 1e6)
            caller = struct.pack(f"<{FRAME}h", *([8000, -8000] * (FRAME // 2)))
            await websocket.send_bytes(audio_wire.encode(audio_wire.CALLER, RATE, at_us, caller))
            await websocket.send_bytes(audio_wire.encode(audio_wire.AGENT, RATE, at_us, bytes(2 * FRAME)))
            self.frames += 1
            await self._note()
            await asyncio.sleep(max(0, began + (number + 1) * 0.02 - loop.time()))


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    made = Agent()
    config = uvicorn.Config(made.routes(), port=0, lifespan="off", log_config=None, ws="websockets-sansio")
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    made.url = f"http://127.0.0.1:{port}"
    api.AgentFile(os.getpid(), "127.0.0.1", port, TOKEN, "1").write(paths.agent_file())
    yield made
    for reader in list(made.readers):
        await reader.close()
    server.should_exit = True
    await serving


@dataclass
class Running:
    """A command that goes on until it is told to leave."""

    process: asyncio.subprocess.Process

    async def leave(self) -> tuple[int, str, str]:
        self.process.send_signal(signal.SIGINT)
        return await self.over()

    async def over(self) -> tuple[int, str, str]:
        out, err = await asyncio.wait_for(self.process.communicate(), 30)
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), err.decode()


async def begin(*arguments: str, **environment: str) -> Running:
    settings = {"SIDETONE_OPERATOR": "ada", "SIDETONE_SOUND": "none", **environment}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **settings},
    )
    return Running(process)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """What a command that is done at once says: status, output and errors."""
    monkeypatch.setenv("SIDETONE_OPERATOR", "ada")

    async def tell(*arguments: str) -> tuple[int, str, str]:
        status = await asyncio.to_thread(app, list(arguments), standalone_mode=False)
        return (status, *capsys.readouterr())

    return tell


@pytest.mark.parametrize("command", ["say", "whisper"])
async def test_words_go_to_the_only_live_call(agent: Agent, told: Callable[..., Any], command: str) -> None:
    status, out, err = await told(command, "One moment, please.")

    assert (status, err) == (0, "")
    assert "One moment, please." in out
    assert agent.asked == [("c_1aa", {"action": command, "text": "One moment, please.", "who": "ada"})]


async def test_a_call_can_be_named_and_programs_get_an_object(agent: Agent, told: Callable[..., Any]) -> None:
    _, out, _ = await told("say", "c_1", "Hello.", "--json")

    assert json.loads(out) == {"call": "c_1aa", "action": "say", "text": "Hello."}


async def test_a_refusal_is_one_sentence(agent: Agent, told: Callable[..., Any]) -> None:
    agent.refusal = "Ada holds the call already."
    assert await told("say", "Hello.") == (1, "", "Ada holds the call already.\n")
    assert (await told("say", "c_9", "Hello."))[2] == "There is no call c_9: `sidetone calls` lists them.\n"


async def test_recording_is_paused(agent: Agent, told: Callable[..., Any]) -> None:
    assert await told("record", "pause") == (0, "c_1aa is not recorded for now\n", "")
    assert await told("record", "c_1aa", "resume", "--json") == (0, '{"call":"c_1aa","recording":"resume"}\n', "")
    assert agent.asked[0] == ("c_1aa", {"action": "pause", "who": "ada"})


async def test_the_agent_is_muted_as_long_as_the_command_runs(agent: Agent) -> None:
    command = await begin("mute")
    await agent.until(lambda: agent.actions() == ["mute"])
    assert agent.present == ["ada"]
    status, out, err = await command.leave()

    assert (status, agent.actions()) == (0, ["mute", "unmute"])
    assert "muted until you press enter or Ctrl-C" in err
    assert "ada muted the agent" in out


async def test_somebody_else_may_let_the_agent_speak(agent: Agent) -> None:
    command = await begin("mute", "c_1aa", "--json")
    await agent.until(lambda: agent.actions() == ["mute"])
    await agent.tell(events.OperatorMuted(who="bob", muted=False))
    status, out, _ = await command.over()

    assert status == 0
    told = [json.loads(line) for line in out.splitlines()]
    assert [(one["who"], one["muted"]) for one in told[:2]] == [("ada", True), ("bob", False)]


async def test_what_is_heard_can_be_written_to_a_file(agent: Agent, tmp_path: Path) -> None:
    command = await begin("listen", "--wav", str(tmp_path / "heard.wav"))
    await agent.until(lambda: agent.listeners == 1)
    await agent.until(lambda: agent.frames >= 25)
    await agent.tell(events.CallEnded(cause="normal_clearing", source="caller", duration_ms=100))
    status, _, err = await command.over()

    assert status == 0, err
    assert "heard.wav" in err
    left, right = _channels(tmp_path / "heard.wav")
    assert max(left) > 4_000
    assert max(map(abs, right)) < 500
    await agent.until(lambda: agent.listeners == 0)


async def test_a_recording_speaks_in_the_agents_place_and_the_call_is_handed_back(
    agent: Agent, tmp_path: Path
) -> None:
    spoken = tmp_path / "operator.wav"
    with wave.open(str(spoken), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(array("h", ([6000] * 50 + [-6000] * 50) * 80).tobytes())
    command = await begin("take-over", "--wav", str(spoken))
    status, out, err = await command.over()

    assert status == 0, err
    assert agent.actions() == ["take_over", "hand_back"]
    assert agent.spoke_to[0] == "caller"
    heard = array("h", bytes(agent.heard))
    assert max(heard) > 4_000
    assert sum(abs(sample) > 2_000 for sample in heard) / RATE == pytest.approx(8_000 / 22_050, rel=0.1)
    assert "operator.wav speaks to the caller" in err
    assert "ada took over" in out


async def test_a_recording_is_played_to_a_file(tmp_path: Path) -> None:
    folder = paths.recordings_dir()
    folder.mkdir()
    with wave.open(str(folder / "c_7xy.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(array("h", [9000, 0, -9000, 0] * 2_000).tobytes())
    command = await begin("play", "c_7", "--wav", str(tmp_path / "played.wav"), "--json")
    status, out, err = await command.over()

    assert status == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    over = next(row for row in rows if row["state"] == "over")
    assert over["length_ms"] == 500
    left, right = _channels(tmp_path / "played.wav")
    assert max(left) > 4_000
    assert max(map(abs, right)) < 500


async def test_a_recording_that_is_not_there_is_said(told: Callable[..., Any]) -> None:
    status, _, err = await told("play", "c_9")

    assert status == 1
    assert err.startswith("There is no recording of c_9")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["say"], "Missing argument"),
        (["say", "c_1", "two", "words"], "in quotes"),
        (["record", "stop"], "start, pause, resume"),
        (["listen", "--ears", "left"], "mix or split"),
        (["listen", "--wav", "/nowhere/x.wav"], "no folder"),
        (["take-over", "--wav", "/nowhere/x.wav"], "no file"),
        (["take-over", "--echo", "maybe"], "auto, on, off"),
    ],
)
def test_wrong_usage_is_status_2(capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    with pytest.raises(SystemExit) as end:
        app(arguments, prog_name="sidetone")

    assert end.value.code == 2
    assert says in " ".join(capsys.readouterr().err.split())


def _channels(path: Path) -> tuple[array[int], array[int]]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        samples = array("h", file.readframes(file.getnframes()))
    assert samples
    return samples[::2], samples[1::2]


async def test_a_call_in_a_room_is_heard_through_an_agent_that_gives_no_pass(agent: Agent, tmp_path: Path) -> None:
    agent.calls[0].line = "livekit"
    file = tmp_path / "heard.wav"
    command = await begin("listen", "--wav", str(file))
    await agent.until(lambda: agent.frames > 25)
    status, _, err = await command.leave()

    assert status == 0
    assert "gives no pass to the call's room (status 404). The call is heard through the agent instead." in err
    with wave.open(str(file)) as heard:
        assert heard.getnframes() > 0


async def test_sound_that_ends_before_the_last_event_is_a_call_that_is_over(agent: Agent, tmp_path: Path) -> None:
    agent.ends_after_s = 0.5
    command = await begin("listen", "--wav", str(tmp_path / "heard.wav"))
    status, out, err = await command.over()

    assert (status, "The call is over." in err) == (0, False)
    assert "ended normal_clearing by caller" in out
