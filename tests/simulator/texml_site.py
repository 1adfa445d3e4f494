"""A web server with TeXML documents, and what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode() or self.query, keep_blank_values=True))


@dataclass
class Page:
    """`location` for redirects."""

    body: bytes
    status: int = 200
    location: str = ""


@dataclass
class Site:
    port: int = 0
    pages: dict[str, Page] = field(default_factory=dict[str, Page])
    asked: list[Asked] = field(default_factory=list[Asked])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def put(self, path: str, body: str, status: int = 200, location: str = "") -> str:
        """The address of the page from now on."""
        self.pages[path] = Page(body.encode(), status, location)
        return self.url + path

    def verbs(self, path: str, verbs: str) -> str:
        return self.put(path, f"<Response>{verbs}</Response>")

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            parts = urlsplit(target)
            self.asked.append(Asked(method, parts.path, parts.query, headers, body))
            page = self.pages.get(parts.path, Page(b"", 404))
            location = f"Location: {page.location}\r\n" if page.location else ""
            writer.write(
                f"HTTP/1.1 {page.status} -\r\n{location}Content-Length: {len(page.body)}\r\n"
                "Connection: close\r\n\r\n".encode()
                + page.body
            )
            await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def open_site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site
