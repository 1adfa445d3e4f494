"""One livekit-server for each file of tests, and one more that keeps SIP trunks where a test asks for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from livekit.rtc._ffi_client import FfiClient

from tests.rooms.servers import LiveKitServer, Redis, need_livekit_server, need_redis
from tests.sound.pulse import first_in_line

__all__ = ["client_closed_in_time", "first_in_line", "livekit_server", "trunk_server"]


@pytest.fixture(scope="session", autouse=True)
def client_closed_in_time() -> Iterator[None]:
    """LiveKit's client closes itself as the last thing of all, and a thread of it that has something to say then
    finds no Python to say it to: it aborts the process."""
    yield
    client = FfiClient._instance
    if client is not None:
        client._dispose()


@pytest.fixture(scope="module")
def livekit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    need_livekit_server()
    server = LiveKitServer(tmp_path_factory.mktemp("livekit"))
    with contextlib.closing(server.start()):
        yield server


@pytest.fixture(scope="module")
def trunk_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    need_livekit_server()
    need_redis()
    folder = tmp_path_factory.mktemp("trunks")
    with (
        contextlib.closing(Redis(folder).start()) as redis,
        contextlib.closing(LiveKitServer(folder, redis).start()) as server,
    ):
        yield server
