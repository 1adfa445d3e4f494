"""LiveKit's telephony, when a server is set: its trunks and rules, and whether a worker is there for them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from agent import api
from console.doctor.finding import Finding, good, missing, note
from console.http_client import Http, Unreachable
from console.process import RunningFile, alive

_TIMEOUT_S = 60.0
_START = "sidetone agent --framework livekit --rooms"


async def rooms(settings: Mapping[str, str], folder: Path) -> list[Finding]:
    """The trunks and rules are looked at by a process that knows LiveKit's client, with this one's ``.env``.

    Which workers are registered elsewhere, no LiveKit server tells; only our agent's is known.
    """
    if not settings.get("LIVEKIT_URL", "").strip():
        return [good("livekit", "not set up: no LIVEKIT_URL")]
    worker, running = await _worker(folder)
    name = worker.agent_name if worker is not None else settings.get("SIDETONE_AGENT_NAME", "").strip()
    return [*await _telephony(name), registered(worker, running, settings)]


async def _telephony(agent_name: str) -> list[Finding]:
    options = ["--agent-name", agent_name] if agent_name else []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "agent.provision.livekit", "--check", "--json", *options,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            out, err = await process.communicate()
    except TimeoutError:
        return [missing("livekit", "its check does not come to an end", "Check LIVEKIT_URL.")]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        found = [msgspec.json.decode(line, type=Finding) for line in out.splitlines()]
    except msgspec.DecodeError:
        found = []
    said = err.decode(errors="replace").strip().splitlines()
    return found or [missing("livekit", said[-1] if said else "cannot be checked", "Correct .env.")]


async def _worker(folder: Path) -> tuple[api.Worker | None, bool]:
    """What our agent says of its worker, and whether it runs."""
    known = RunningFile.read(folder / "agent.json")
    if known is None or not alive(known.pid):
        return None, False
    http = Http()
    try:
        _status, answer = await http.request("GET", f"{known.url}/health", known.token, timeout=2)
        return msgspec.json.decode(answer, type=api.Health).worker, True
    except (Unreachable, msgspec.DecodeError):
        return None, True
    finally:
        await http.close()


def registered(worker: api.Worker | None, running: bool, settings: Mapping[str, str]) -> Finding:
    """``running`` is that our agent runs, ``worker`` what it says of itself as one."""
    if worker is None:
        where = "the agent that runs takes no calls in rooms" if running else "no agent runs here"
        return note("worker", f"{where}; whether one does elsewhere, LiveKit does not tell", _START)
    if worker.state != "registered":
        why = f": {worker.detail}" if worker.detail else ""
        return missing(
            "worker", f"{worker.agent_name} is not registered ({worker.state}){why}", "Check LIVEKIT_URL."
        )
    wanted = settings.get("LIVEKIT_URL", "").strip().rstrip("/")
    if worker.url.rstrip("/") != wanted:
        return note("worker", f"it is registered at {worker.url}, not at LIVEKIT_URL {wanted}", "sidetone stop")
    if worker.limit and worker.load >= worker.limit:
        text = f"{worker.agent_name} refuses calls: load {worker.load:.0%} of at most {worker.limit:.0%}"
        return note("worker", text, "Raise SIDETONE_MAX_LOAD, or run fewer things here.")
    refused = f", {worker.refused} calls refused" if worker.refused else ""
    return good("worker", f"{worker.agent_name} is registered, {worker.jobs} calls now{refused}")
