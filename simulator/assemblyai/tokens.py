"""Temporary tokens: `GET /v3/token`.

Refusals have FastAPI's shape, and a token opens any number of sessions while it is valid: both as observed on the
live service on 2026-09-24, where the documents say `{"error": …}` and single use.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator.assemblyai.errors import EXPIRED_TOKEN, INVALID_KEY, UNAUTHORISED, SessionRefused

PREFIX: Final = "sidetone-"
"""What tells a token from a key where a client sends it as one, which AssemblyAI's SDK does."""
_DEFAULT_SESSION_SECONDS: Final = 10_800
# Lowest and highest value, and whether it must be there.
_RANGES: Final = {
    "expires_in_seconds": (1, 600, True),
    "max_session_duration_seconds": (60, 10_800, False),
}


class Tokens:
    """Signed, so that nothing need be kept; a new process knows none of the old."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def issue(self, expires_in_seconds: int, session_seconds: int) -> str:
        expires_at = int(time.time() * 1000) + expires_in_seconds * 1000
        payload = f"{expires_at}.{session_seconds}.{secrets.token_hex(8)}"
        return f"{PREFIX}{payload}.{self._signature(payload)}"

    def session_seconds(self, token: str) -> int:
        """How long a session opened with `token` may last. Raises SessionRefused."""
        payload, _, signature = token.removeprefix(PREFIX).rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(payload).encode()):
            raise SessionRefused(UNAUTHORISED, INVALID_KEY)
        expires_at, seconds, _ = payload.split(".")
        if int(expires_at) <= time.time() * 1000:
            raise SessionRefused(UNAUTHORISED, EXPIRED_TOKEN)
        return int(seconds)

    def _signature(self, payload: str) -> str:
        digest = hmac.digest(self._secret, payload.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    async def endpoint(self, request: Request) -> Response:
        """`GET /v3/token`. Any key will do, also behind `Bearer`, unlike on the WebSocket."""
        problems: list[dict[str, Any]] = []
        if not request.headers.get("authorization", "").strip():
            problems.append(_problem("missing", ["header", "authorization"], "Field required", None))
        values: dict[str, int] = {}
        for name, (low, high, needed) in _RANGES.items():
            text = request.query_params.get(name)
            if text is not None:
                problem = _number_problem(name, text, low, high)
            else:
                problem = _problem("missing", ["query", name], "Field required", None) if needed else None
            if problem:
                problems.append(problem)
            elif text is not None:
                values[name] = int(text)
        if problems:
            return JSONResponse({"detail": problems}, 422)
        expires_in = values["expires_in_seconds"]
        token = self.issue(expires_in, values.get("max_session_duration_seconds", _DEFAULT_SESSION_SECONDS))
        return JSONResponse({"token": token, "expires_in_seconds": expires_in})


def _number_problem(name: str, text: str, low: int, high: int) -> dict[str, Any] | None:
    where = ["query", name]
    try:
        value = int(text)
    except ValueError:
        said = "Input should be a valid integer, unable to parse string as an integer"
        return _problem("int_parsing", where, said, text)
    if value < low:
        said = f"Input should be greater than or equal to {low}"
        return _problem("greater_than_equal", where, said, text) | {"ctx": {"ge": low}}
    if value > high:
        said = f"Input should be less than or equal to {high}"
        return _problem("less_than_equal", where, said, text) | {"ctx": {"le": high}}
    return None


def _problem(kind: str, where: list[str], said: str, given: str | None) -> dict[str, Any]:
    return {"type": kind, "loc": where, "msg": said, "input": given}
