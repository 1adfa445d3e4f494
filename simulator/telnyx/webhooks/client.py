"""One signed HTTP request to an application, its redirects followed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from simulator.addresses import is_url
from simulator.certificates import certificates
from simulator.telnyx.routing import Method
from simulator.telnyx.webhooks.signing import Signer

USER_AGENT: Final = "telnyx-webhooks"

_MAX_REDIRECTS: Final = 3
_MAX_ANSWER_BYTES: Final = 65_536
_REDIRECTS: Final = (301, 302, 303, 307, 308)


class RequestFailed(httpx.HTTPError):
    """There is no answer; the text says why, in one sentence or less."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an application answered: at most 64 KiB and a byte of `body`, from `url` after redirects."""

    status: int
    body: bytes
    url: str
    headers: tuple[tuple[str, str], ...] = ()


class SignedClient:
    """Sends requests as Telnyx does. It sets no deadline: callers do."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        # A connection that the application closes between two requests must not look like a failed delivery.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(verify=certificates(), trust_env=False, timeout=None, limits=limits)

    def headers(self, body: bytes, content_type: str | None) -> dict[str, str]:
        """Headers signed now; `content_type` None when there is no body, whose signature covers an empty one."""
        headers = {"User-Agent": USER_AGENT} | self._signer.headers(body, int(time.time()))
        return headers if content_type is None else headers | {"Content-Type": content_type}

    async def send(self, url: str, method: Method, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Up to three redirects are followed with the same method and body. Raises RequestFailed."""
        for _ in range(_MAX_REDIRECTS + 1):
            if not is_url(url, ("http", "https")):
                raise RequestFailed("it is not an http address that can be connected to")
            answer, location = await self._once(url, method, body, headers)
            if location is None:
                return answer
            url = _joined(answer.url, location)
        raise RequestFailed(f"it redirected more than {_MAX_REDIRECTS} times")

    async def close(self) -> None:
        await self._client.aclose()

    async def _once(
        self, url: str, method: Method, body: bytes, headers: Mapping[str, str]
    ) -> tuple[Answer, str | None]:
        try:
            async with self._client.stream(method, url, content=body or None, headers=headers) as response:
                received = bytearray()
                async for chunk in response.aiter_bytes():
                    received += chunk
                    if len(received) > _MAX_ANSWER_BYTES:
                        break
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OverflowError) as error:
            raise RequestFailed(str(error) or type(error).__name__) from error
        answer = Answer(
            response.status_code,
            bytes(received[: _MAX_ANSWER_BYTES + 1]),
            str(response.url),
            tuple(response.headers.items()),
        )
        return answer, response.headers.get("location") if answer.status in _REDIRECTS else None


def with_query(url: str, query: str) -> str:
    """`url` with more parameters at its end, before a fragment."""
    bare, _, fragment = url.partition("#")
    joined = bare + ("&" if "?" in bare else "?") + query if query else bare
    return f"{joined}#{fragment}" if fragment else joined


def _joined(base: str, location: str) -> str:
    try:
        return str(httpx.URL(base).join(location))
    except (httpx.InvalidURL, ValueError) as error:
        raise RequestFailed(f"it redirected to an address that cannot be followed: {error}") from error
