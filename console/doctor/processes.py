"""The agent and the simulator that run in this data folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agent import api
from console.doctor.finding import Finding, good, missing, note
from console.http_client import Http, Unreachable
from console.process import RunningFile, alive


def agent_port(folder: Path) -> int:
    """Where our agent listens, or 0."""
    known = RunningFile.read(folder / "agent.json")
    return known.port if known is not None and alive(known.pid) else 0


async def processes(folder: Path) -> list[Finding]:
    http = Http()
    try:
        return [
            await _process("agent", "/health", folder, http),
            await _process("simulator", "/sim/health", folder, http),
        ]
    finally:
        await http.close()


async def _process(name: str, path: str, folder: Path, http: Http) -> Finding:
    known = RunningFile.read(folder / f"{name}.json")
    if known is None or not alive(known.pid):
        return good(name, "does not run; it is started when it is needed")
    where = f"process {known.pid}, port {known.port}"
    try:
        status, answer = await http.request("GET", known.url + path, known.token, timeout=2)
    except Unreachable:
        return missing(name, f"{where} does not answer", "sidetone stop")
    if status != 200:
        return missing(name, f"{where} answers {status}", "sidetone stop")
    if name == "agent":
        try:
            problems = msgspec.json.decode(answer, type=api.Health).problems
        except msgspec.DecodeError:
            return missing(name, f"{where} answers something else than it should", "sidetone stop")
        if problems:
            return note(name, f"{where} runs", problems[0])
    return good(name, f"{where} runs")
