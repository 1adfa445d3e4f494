"""A simulator with a SIP trunk, and Debian's sipp as its far end, which knows nothing of the trunk's library."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from simulator.server import Simulator
from simulator.settings import Settings

ORIGIN = "+15550100000"
_SCENARIOS = Path(__file__).parent / "sipp"
_SECONDS = 60


def need_sipp() -> None:
    """Skip, and say why, where sipp is not installed."""
    if shutil.which("sipp") is None:
        pytest.skip("sipp is missing: apt-get install sip-tester")


@contextlib.asynccontextmanager
async def desk_at(folder: Path) -> AsyncIterator[Desk]:
    """A simulator with a trunk, which keeps its files in `folder`."""
    simulator = Simulator(Settings(port=0, data_dir=folder / "data", ring_ms=0, sip_port=0))
    await simulator.start()
    try:
        async with httpx.AsyncClient(
            base_url=simulator.url,
            headers={"Authorization": f"Bearer {simulator.token}"},
            trust_env=False,
            timeout=60,
        ) as client:
            yield Desk(simulator, client, folder)
    finally:
        await simulator.stop()


class Desk:
    """A simulator with a trunk, as tests speak to it. `client` may control it, and use its REST interface."""

    def __init__(self, simulator: Simulator, client: httpx.AsyncClient, folder: Path) -> None:
        self.simulator, self.client, self.folder = simulator, client, folder
        values = simulator.environment
        self.address = values["TELNYX_SIP_ADDRESS"]
        self.user, self.password = values["TELNYX_SIP_USERNAME"], values["TELNYX_SIP_PASSWORD"]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    async def at(self, number: str, order: dict[str, Any]) -> None:
        """Who answers the next call to a number."""
        (await self.client.put(f"/sim/numbers/{number}", json=order)).raise_for_status()

    async def place(self, order: dict[str, Any]) -> str:
        """A caller who dials in, as POST /sim/calls takes it."""
        placed = await self.client.post("/sim/calls", json=order)
        placed.raise_for_status()
        return placed.json()["call_control_id"]

    async def report(self, call: str) -> dict[str, Any]:
        """Of a call, once it is over."""
        return (await self.client.get(f"/sim/calls/{call}?wait_ms=30000")).json()

    async def last_report(self) -> dict[str, Any]:
        """Of the last call that began, once it is over."""
        return await self.report((await self.calls())[-1]["call_control_id"])

    async def calls(self) -> list[dict[str, Any]]:
        """The reports of all calls, as they stand."""
        return (await self.client.get("/sim/calls")).json()

    async def make(self, what: str, **fields: Any) -> dict[str, Any]:
        """Create something in the account, as `POST /v2/{what}`."""
        made = await self.client.post(f"/v2/{what}", json=fields)
        assert made.is_success, made.text
        return made.json()["data"]

    async def sipp(self, scenario: str, *arguments: str, **words: str) -> None:
        """Run a scenario of the folder, whose words in capital letters are replaced; fails when it does."""
        async with self.running(scenario, *arguments, **words):
            pass

    @contextlib.asynccontextmanager
    async def running(self, scenario: str, *arguments: str, **words: str) -> AsyncIterator[int]:
        """The same, with something to do meanwhile: the port that sipp listens on."""
        text = (_SCENARIOS / f"{scenario}.xml").read_text()
        known = {"USER": self.user, "PASSWORD": self.password, "ORIGIN": ORIGIN}
        for word, value in {**known, **words}.items():
            text = text.replace(word, value)
        file = self.folder / f"{scenario}.xml"
        file.write_text(text)
        port, media = free_port(), free_port()
        errors = self.folder / f"{scenario}.errors"
        process = await asyncio.create_subprocess_exec(
            "sipp",
            *("-sf", str(file), "-i", "127.0.0.1", "-p", str(port), "-mi", "127.0.0.1", "-mp", str(media)),
            *("-m", "1", "-nostdin", "-timeout", f"{_SECONDS}s", "-timeout_error"),
            *("-trace_err", "-error_file", str(errors), *arguments, self.address),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self.folder,
        )
        try:
            await _bound(process, port)
            yield port
            status = await asyncio.wait_for(process.wait(), _SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        said = errors.read_text()[-2000:] if errors.exists() else ""
        assert status == 0, f"sipp ended with {status}: {said}"


async def _bound(process: asyncio.subprocess.Process, port: int) -> None:
    """Wait until sipp has its port, of which it tells nobody."""
    async with asyncio.timeout(_SECONDS):
        with contextlib.suppress(psutil.NoSuchProcess):
            while all(end.laddr.port != port for end in psutil.Process(process.pid).net_connections()):
                await asyncio.sleep(0.05)


def free_port() -> int:
    """An even port that is free for UDP and TCP now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port: int = udp.getsockname()[1]
            with contextlib.suppress(OSError):
                tcp.bind(("127.0.0.1", port))
                if port % 2 == 0:
                    return port
