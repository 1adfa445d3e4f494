"""Which recogniser listens to the recordings: AssemblyAI itself, or a stand-in that is started for them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from console import environment
from console.command_line.tune_session import Service
from console.http_client import Http
from console.process_state import ProcessState
from console.simulator_client import Simulator
from console.supervisor import Supervisor

_ADDRESS = "wss://streaming.assemblyai.com"
_PATH = "/v3/ws"
# AssemblyAI lets a free account open five sessions a minute, a paid one a hundred (docs, 2026-10).
_LIVE_AT_ONCE = 5
_LIVE_EVERY_S = 12.5
# The service closes a session that is given more than five minutes ahead of its time, and so does its stand-in.
_LEAD_MS = 240_000
_SIM_AT_ONCE = 2


class ServiceError(Exception):
    """The recogniser cannot be used; one sentence."""


def live(settings: Mapping[str, str], simulated: tuple[str, ...]) -> Service | None:
    """AssemblyAI, where there is a key and it shall not be simulated.

    Raises:
        ServiceError: its address is wrong.
    """
    if environment.decide(settings, simulated=simulated).services["stt"] == "SIM":
        return None
    address = settings.get("ASSEMBLYAI_BASE_URL", "").strip().rstrip("/") or _ADDRESS
    parts = urlsplit(address)
    if parts.scheme not in ("wss", "ws") or not parts.hostname:
        raise ServiceError(f"ASSEMBLYAI_BASE_URL={address} is not an address that begins with wss:// or ws://.")
    key = settings["ASSEMBLYAI_API_KEY"].strip()
    return Service("LIVE", address + _PATH, key, 0, _LIVE_AT_ONCE, _LIVE_EVERY_S)


@contextlib.asynccontextmanager
async def stand_in() -> AsyncIterator[Service]:
    """A simulator of its own, so that the work does not hold up calls on one that runs already.

    Raises:
        StartError, SimulatorError: it did not come up.
    """
    http = Http()
    with tempfile.TemporaryDirectory(prefix="sidetone-tune-") as folder:
        supervisor = Supervisor(environment.decide({}), Path(folder), http, _ignore)
        try:
            await supervisor.ensure_simulator()
            process = supervisor.simulator
            assert process is not None
            assert process.running is not None
            told = await Simulator(process.running, http).environment()
            url, key = told["ASSEMBLYAI_BASE_URL"] + _PATH, told["ASSEMBLYAI_API_KEY"]
            yield Service("SIM", url, key, _LEAD_MS, _SIM_AT_ONCE)
        finally:
            await supervisor.stop(attached=False)
            await http.close()


def _ignore(_state: ProcessState) -> None:
    """Nobody watches."""
