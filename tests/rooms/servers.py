"""A livekit-server of a test's own, and a Redis for its SIP trunks: real processes, on 127.0.0.1 alone.

The fixtures are in ``tests/rooms/conftest.py``: ``livekit_server`` is one server for each process of tests,
without Redis; ``trunk_server`` is one with it, which keeps SIP trunks and dispatch rules: without Redis the whole
SIP service fails. ``make servers`` builds the server into ``.servers/bin``.

    server.url, server.key, server.secret       # ws://127.0.0.1:PORT
    server.environment                          # the same as LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET
    async with server.api() as api: ...         # livekit.api.LiveKitAPI
    server.kill(), server.start()               # a crash, and the same server again at the same address
    server.log.read_text()
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

import httpx
import pytest
from livekit import api

BIN = Path(__file__).parents[2] / ".servers" / "bin"
READY_S = 60.0
_TRIES = 5
_MEDIA_PORTS = (20_000, 29_999)
"""Where a server seeks a free port for each participant: below the ports that systems hand out by themselves."""


def need_livekit_server() -> None:
    """Skip, and say why, where livekit-server was not built."""
    if not (BIN / "livekit-server").exists():
        pytest.skip("livekit-server is missing: make servers")


def need_redis() -> None:
    """Skip, and say why, where Redis is not installed."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is missing: apt-get install --no-install-recommends redis-server")


class Server(ABC):
    """A process that ends with this one, its files in ``folder``. ``start`` returns once it answers.

    To be started from the thread that lives as long as the tests do: where the system can tell, the server is
    killed when that thread ends, however it ends.
    """

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    def start(self) -> Self:
        """Raises AssertionError with the server's log when it ends or does not answer."""
        for left in reversed(range(_TRIES)):
            self._begin()
            if self._ready():
                return self
            # Somebody else may have taken one of the ports after they were found to be free.
            if not left or "address already in use" not in self.log.read_text().lower():
                break
            self.choose_ports()
        raise AssertionError(self._complaint("ended"))

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it; nothing where it has ended."""
        self.kill()

    @abstractmethod
    def choose_ports(self) -> None: ...

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def answers(self) -> bool: ...

    def _begin(self) -> None:
        guard = (
            ["setpriv", "--pdeathsig", "KILL", "--"] if sys.platform == "linux" and shutil.which("setpriv") else []
        )
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*guard, *self.command()],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _ready(self) -> bool:
        """Whether it answers; False when it ended instead."""
        assert self._process is not None
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            if self.answers():
                return True
            time.sleep(0.02)
        self.kill()
        raise AssertionError(self._complaint(f"did not answer within {READY_S:.0f} s"))

    def _complaint(self, what: str) -> str:
        return f"{self.name} {what}: {self.log.read_text()}"


class Redis(Server):
    name = "redis"

    def __init__(self, folder: Path) -> None:
        need_redis()
        super().__init__(folder)
        self.choose_ports()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def choose_ports(self) -> None:
        self.port = free_port()

    def command(self) -> list[str]:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": self.folder}
        return ["redis-server", *(str(part) for name, value in options.items() for part in (f"--{name}", value))]

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as asked:
            asked.sendall(b"PING\r\n")
            return asked.recv(64).startswith(b"+PONG")
        return False


class LiveKitServer(Server):
    name = "livekit-server"

    def __init__(self, folder: Path, redis: Redis | None = None) -> None:
        need_livekit_server()
        super().__init__(folder)
        self.key, self.secret = "devkey", secrets.token_urlsafe(32)
        self.redis = redis
        self.choose_ports()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {"LIVEKIT_URL": self.url, "LIVEKIT_API_KEY": self.key, "LIVEKIT_API_SECRET": self.secret}

    def api(self) -> api.LiveKitAPI:
        """A client with all rights; to be used inside a running loop, with ``async with``."""
        return api.LiveKitAPI(self.url, self.key, self.secret, failover=False)

    def token(self, identity: str) -> api.AccessToken:
        return api.AccessToken(self.key, self.secret).with_identity(identity)

    def choose_ports(self) -> None:
        self.port = free_port()

    def command(self) -> list[str]:
        configuration = {
            "port": self.port,
            "bind_addresses": ["127.0.0.1"],
            "keys": {self.key: self.secret},
            "rtc": {
                # Not one port for all: its answers from 127.0.0.1 do not reach clients that have another address.
                "port_range_start": _MEDIA_PORTS[0],
                "port_range_end": _MEDIA_PORTS[1],
                "tcp_port": 0,
                "node_ip": "127.0.0.1",
                "use_external_ip": False,
                "enable_loopback_candidate": True,
                "ips": {"includes": ["127.0.0.1/32"]},
                # Without one, the server tells its clients of servers in the open network.
                "stun_servers": ["127.0.0.1:9"],
            },
            **({"redis": {"address": self.redis.address}} if self.redis is not None else {}),
        }
        # JSON is YAML too. The secret stays out of the command line.
        file = self.folder / "livekit.yaml"
        file.touch(0o600)
        file.write_text(json.dumps(configuration))
        return [str(BIN / "livekit-server"), "--config", str(file)]

    def answers(self) -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/", trust_env=False, timeout=5)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
