"""HTTP to our own processes. The library is loaded on first use, since the first paint must not wait for it."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


class Unreachable(Exception):
    """Nobody answered in time, or not in HTTP; one sentence."""


class Http:
    """One pool of connections. A proxy from the environment is never used."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None
        self._loading = asyncio.Lock()

    async def request(
        self, method: str, url: str, token: str, body: bytes | None = None, timeout: float = 5.0
    ) -> tuple[int, bytes]:
        """Status and body of the answer; ``timeout`` in seconds.

        Raises:
            Unreachable: there was none.
        """
        client = await self._open()
        import httpx

        headers = {"authorization": f"Bearer {token}"}
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            answer = await client.request(method, url, headers=headers, content=body, timeout=timeout)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = f"{type(error).__name__} {error}".strip()
            raise Unreachable(f"{url.partition('?')[0]} does not answer ({what}).") from error
        return answer.status_code, answer.content

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _open(self) -> httpx.AsyncClient:
        async with self._loading:
            client = self._client
            if client is None:
                # In a thread, so that the screen stays alive for the tenth of a second that this takes.
                module = await asyncio.to_thread(importlib.import_module, "httpx")
                client = self._client = module.AsyncClient(trust_env=False, follow_redirects=False)
        return client
