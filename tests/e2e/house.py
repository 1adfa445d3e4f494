"""A simulator and an agent in processes of their own, and what tests do with them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from agent import api, events
from agent.events import Event

ROOT = Path(__file__).parents[2]
READY_S = 60.0
CALL_S = 90.0


@dataclass
class Process:
    """A process of the product with the state file it writes."""

    module: str
    data: Path
    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    popen: subprocess.Popen[bytes] | None = None
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        return self.data / f"{self.module}.out"

    def start(self) -> Process:
        clean = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("TELNYX_", "ASSEMBLYAI_", "OPENAI_", "DEEPGRAM_", "RIME_", "SIDETONE_"))
        }
        with self.out.open("wb") as out:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", self.module, "--port", str(self.port), *self.arguments],
                cwd=self.data,
                env={**clean, "SIDETONE_DATA_DIR": str(self.data), "PYTHONPATH": str(ROOT), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        file = self.data / f"{self.module}.json"
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            assert self.popen.poll() is None, f"{self.module} ended: {self.out.read_text()}"
            with contextlib.suppress(OSError, json.JSONDecodeError):
                self.state = json.loads(file.read_text())
                if self.state["pid"] == self.popen.pid:
                    return self
            time.sleep(0.02)
        raise AssertionError(f"{self.module} did not begin to listen: {self.out.read_text()}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.state['port']}"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.state['token']}"}

    def kill(self) -> None:
        assert self.popen is not None
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()

    def stop(self) -> None:
        if self.popen is not None and self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(20)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()


class House:
    """A simulator and an agent that talk to each other."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.simulator = Process("simulator", data, ["--data-dir", str(data), "--ring-ms", "100"])
        self.agent = Process("agent", data)
        self._extra = environment

    def start(self) -> House:
        self.simulator.start()
        self.agent.environment = {**self.environment(), **self._extra}
        self.agent.start()
        return self

    def environment(self) -> dict[str, str]:
        """What points an agent at the simulator."""
        answer = httpx.get(f"{self.simulator.url}/sim/environment", headers=self.simulator.bearer, trust_env=False)
        return {
            **answer.json(),
            "TELNYX_CONNECTION_ID": "1494404757140276701",
            "TELNYX_PHONE_NUMBER": "+15550100000",
            "SIDETONE_ALLOWED_PREFIXES": "*",
        }

    def stop(self) -> None:
        self.agent.stop()
        self.simulator.stop()

    async def ask(self, process: Process, method: str, path: str, **body: Any) -> httpx.Response:
        async with httpx.AsyncClient(
            base_url=process.url, headers=process.bearer, trust_env=False, timeout=60
        ) as client:
            return await client.request(method, path, json=body or None)

    async def script(self, number: str, *turns: Any, **options: Any) -> None:
        """Say who answers at a number."""
        body = {"turns": [turn if isinstance(turn, dict) else {"user": turn} for turn in turns], **options}
        answer = await self.ask(self.simulator, "PUT", f"/sim/numbers/{number}", **body)
        assert answer.status_code < 300, answer.text

    async def dial(self, number: str, **body: Any) -> str:
        answer = await self.ask(self.agent, "POST", "/calls", to=number, **body)
        assert answer.status_code == 201, answer.text
        return answer.json()["call"]

    async def incoming(self, *turns: Any, number: str = "+15550100177", **options: Any) -> str:
        """A simulated caller dials in; gives the call control id."""
        script = {"turns": [turn if isinstance(turn, dict) else {"user": turn} for turn in turns], **options}
        answer = await self.ask(
            self.simulator,
            "POST",
            "/sim/calls",
            **{"from": number, "to": "+15550100000", "texml_url": f"{self.agent.url}/texml", "script": script},
        )
        assert answer.status_code < 300, answer.text
        return answer.json()["call_control_id"]

    async def report(self, call_control_id: str) -> dict[str, Any]:
        """The caller's own account of a call that is over."""
        answer = await self.ask(self.simulator, "GET", f"/sim/calls/{call_control_id}?wait_ms=10000")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def fault(self, service: str, **fault: Any) -> None:
        answer = await self.ask(self.simulator, "POST", "/sim/faults", service=service, fault=fault)
        assert answer.status_code < 300, answer.text

    @contextlib.asynccontextmanager
    async def stream(self, after: int | None = 0) -> AsyncIterator[AsyncIterator[Any]]:
        """The agent's events, from the journal's beginning when ``after`` is 0."""
        query = "" if after is None else f"?from={after}"
        address = f"ws://127.0.0.1:{self.agent.state['port']}/events{query}"
        async with connect(
            address, proxy=None, compression=None, additional_headers=self.agent.bearer, max_size=None
        ) as socket:

            async def messages() -> AsyncIterator[Any]:
                async for message in socket:
                    assert isinstance(message, str)
                    for item, _ in api.decode_message(message):
                        yield item

            yield messages()

    async def until(self, fits: Callable[[Event], bool], *, within: float = CALL_S) -> list[Event]:
        """All events so far, up to and including the first that fits."""
        found: list[Event] = []
        async with asyncio.timeout(within), self.stream() as messages:
            async for message in messages:
                if isinstance(message, Event) and message.seq:
                    found.append(message)
                    if fits(message):
                        return found
        raise AssertionError("the stream ended")

    async def whole_call(self, call: str) -> list[Event]:
        """The events of a call, once it is over."""
        found = await self.until(lambda event: event.call == call and isinstance(event, events.CallEnded))
        return [event for event in found if event.call == call]


def running(folder: Path, framework: str = "", persona: str = "", **environment: str) -> Iterator[House]:
    """A house for the length of a fixture. Its agent runs on ``framework``, pipecat when empty, and ``persona`` is
    its definition, the shipped one when empty."""
    pytest.importorskip("espeakng_loader", reason="the local voice is missing: install sidetone[speech]")
    if persona:
        file = folder / "agent.toml"
        file.write_text(persona)
        environment["SIDETONE_AGENT"] = str(file)
    if framework:
        environment["SIDETONE_FRAMEWORK"] = framework
    made = House(folder, **environment)
    try:
        yield made.start()
    finally:
        made.stop()


def finals(stream: list[Event]) -> list[str]:
    """What the recogniser understood, turn by turn."""
    return [
        event.message["transcript"]
        for event in stream
        if isinstance(event, events.SttTurn) and event.message["end_of_turn"] and event.message["transcript"]
    ]


def of(stream: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in stream if isinstance(event, kind)]
