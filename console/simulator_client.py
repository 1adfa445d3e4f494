"""What the console asks of the simulator over ``/sim``."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from console.http_client import Http, Unreachable
from console.process import RunningFile

T = TypeVar("T")


class SimulatorError(Exception):
    """The simulator did not do what it was asked; one sentence."""


class Line(msgspec.Struct):
    """One line of the caller: times in milliseconds from the answer."""

    text: str
    answered: bool = False
    started_ms: int | None = None
    ended_ms: int | None = None
    answer_after_ms: int | None = None
    cut_in: bool = False


class Finding(msgspec.Struct):
    """What the agent did that Telnyx's rules do not allow, and what to do about it."""

    what: str
    fix: str
    severity: str = "error"


class Report(msgspec.Struct):
    """The caller's side of a call, as ``GET /sim/calls/{call_control_id}`` tells it."""

    state: str = ""
    lines: list[Line] = []
    heard_ms: int = 0
    ended: dict[str, Any] | None = None
    warnings: list[str] = []
    findings: list[Finding] = []


class _Speech(msgspec.Struct):
    why_not: str | None = None


class _Health(msgspec.Struct):
    speech: _Speech = msgspec.field(default_factory=_Speech)


class _Placed(msgspec.Struct):
    call_control_id: str


class Simulator:
    """A running simulator; every method raises :class:`SimulatorError` when it fails."""

    def __init__(self, running: RunningFile, http: Http) -> None:
        self.running, self._http = running, http

    async def environment(self) -> dict[str, str]:
        """The names and values that point an agent at the simulator."""
        return _read(await self._ask("GET", "/environment"), dict[str, str])

    async def why_silent(self) -> str:
        """What keeps the simulator from speaking and what to do about it, in one sentence, or nothing."""
        return _read(await self._ask("GET", "/health"), _Health).speech.why_not or ""

    async def answer_at(self, number: str, who: dict[str, Any]) -> None:
        """Let ``who``, an order of :class:`console.caller.Caller`, answer the next call to ``number``."""
        await self._ask("PUT", f"/numbers/{quote(number)}", who)

    async def dial_in(self, caller: str, number: str, texml_url: str, who: dict[str, Any] | None = None) -> str:
        """Let a caller dial ``number``; returns the call_control_id. Without ``who`` it is the demo's caller."""
        order = {"from": caller, "to": number, "texml_url": texml_url, **(who or {})}
        answer = await self._ask("POST", "/calls", order)
        return _read(answer, _Placed).call_control_id

    async def order_fault(self, service: str, fault: dict[str, Any]) -> None:
        """Let something go wrong with ``service``; the simulator checks what."""
        await self._ask("POST", "/faults", {"service": service, "fault": fault})

    async def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        await self._ask("DELETE", "/faults")

    async def report(self, call_control_id: str, wait_s: float = 0) -> Report:
        """The caller's report, once the call is over or after ``wait_s`` seconds."""
        path = f"/calls/{quote(call_control_id, safe='')}?wait_ms={round(wait_s * 1000)}"
        return _read(await self._ask("GET", path, timeout=wait_s + 5), Report)

    async def _ask(self, method: str, path: str, body: Any = None, timeout: float = 5.0) -> bytes:
        data = None if body is None else msgspec.json.encode(body)
        url = f"{self.running.url}/sim{path}"
        try:
            status, answer = await self._http.request(method, url, self.running.token, data, timeout)
        except Unreachable as error:
            raise SimulatorError(f"The simulator cannot be reached: {error}") from error
        if status >= 300:
            raise SimulatorError(_sentence(answer) or f"The simulator answered {status} to {method} /sim{path}.")
        return answer


def _read(answer: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError as error:
        raise SimulatorError(f"The simulator answered something else than it should: {error}.") from error


class _Refusal(msgspec.Struct):
    message: str


class _ErrorBody(msgspec.Struct):
    error: _Refusal


def _sentence(answer: bytes) -> str:
    try:
        return msgspec.json.decode(answer, type=_ErrorBody).error.message
    except msgspec.DecodeError:
        return ""
