"""A pass into the LiveKit room of a call: the agent gives it, for one connection and a short time
(``POST /calls/{call}/room``, see :mod:`agent.api`)."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import msgspec

from agent import api
from agent.api import RoomPass, RoomPassRequest
from console.sound.protocol import Listen

_WITHIN_S = 10.0
_NOT_LET_IN = (401, 403)


class NoPass(Exception):
    """The agent gives none; one sentence."""


class NotLetIn(Exception):
    """The agent does not know us; one sentence."""


class NoAnswer(Exception):
    """The agent cannot be asked now; one sentence."""


async def ask(order: Listen, request: RoomPassRequest) -> RoomPass:
    """A new pass.

    Raises:
        NoPass, NotLetIn: asking again would not help.
        NoAnswer: it may.
    """
    url = f"{order.url.rstrip('/')}/calls/{quote(order.call, safe='')}/room"
    try:
        async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_WITHIN_S) as client:
            answer = await client.post(
                url, content=msgspec.json.encode(request), headers={"authorization": f"Bearer {order.token}"}
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(f"The agent at {order.url} does not answer ({type(error).__name__}).") from error
    status = answer.status_code
    if status >= 500:
        raise NoAnswer(_error_of(answer.content) or f"The agent answered {status}.")
    if status in _NOT_LET_IN:
        raise NotLetIn(_error_of(answer.content) or "The agent refused the token.")
    if status >= 300:
        raise NoPass(_error_of(answer.content) or f"The agent gives no pass to the call's room (status {status}).")
    try:
        return msgspec.json.decode(answer.content, type=RoomPass)
    except msgspec.DecodeError as error:
        raise NoPass("The agent's pass to the call's room makes no sense: it is of another version.") from error


def _error_of(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=api.ErrorBody).error[:300]
    except msgspec.DecodeError:
        return ""
