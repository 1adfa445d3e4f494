"""TeXML documents over HTTP, as Telnyx fetches them.

Source: Telnyx, "TeXML Instruction Fetching" and "TeXML Fundamentals": parameters travel as the query of a GET or
the form of a POST, the answer must be HTTP 200 with a `<Response>`, else the failover address is asked. How long
Telnyx waits for an answer is not published.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlencode

import httpx

from simulator.addresses import shown
from simulator.telnyx.routing import Method
from simulator.telnyx.texml.errors import TexmlError
from simulator.telnyx.texml.parameters import Form
from simulator.telnyx.texml.parse import parse
from simulator.telnyx.texml.source import Fetch
from simulator.telnyx.texml.verbs import Document

DEADLINE_SECONDS: Final = 5.0
FORM: Final = "application/x-www-form-urlencoded"


class Answer(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def url(self) -> str:
        """Where the answer came from, after redirects."""
        ...


class Requester(Protocol):
    async def request(self, url: str, method: Method, body: bytes, content_type: str) -> Answer:
        """One signed request; with GET `body` is the query.

        Raises httpx.HTTPError, httpx.InvalidURL or ValueError.
        """
        ...


async def fetch(
    place: Fetch,
    form: Form,
    requester: Requester,
    warn: Callable[[str], None],
    deadline_seconds: float = DEADLINE_SECONDS,
) -> Document:
    """The document at `place`, or at its fallback, before which `warn` is told why. Raises TexmlError."""
    try:
        return await _fetch(place.url, place.method, form, requester, deadline_seconds)
    except TexmlError as error:
        if place.fallback_url is None:
            raise
        warn(f"{error} The fallback address was asked instead.")
    return await _fetch(
        place.fallback_url, place.fallback_method or place.method, form, requester, deadline_seconds
    )


async def _fetch(url: str, method: Method, form: Form, requester: Requester, deadline_seconds: float) -> Document:
    try:
        async with asyncio.timeout(deadline_seconds):
            answer = await requester.request(url, method, urlencode(form).encode(), FORM)
    except TimeoutError:
        raise TexmlError(f"{_shown(url)} did not answer with TeXML within {deadline_seconds:g} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        why = str(error) or type(error).__name__
        raise TexmlError(f"TeXML could not be fetched from {_shown(url)}: {why}.") from error
    if answer.status != 200:
        raise TexmlError(f"TeXML needs HTTP 200, but {_shown(url)} answered {answer.status}.")
    return parse(answer.body, answer.url)


def _shown(url: str) -> str:
    try:
        return shown(url)
    except ValueError:
        return "an address that cannot be read"
