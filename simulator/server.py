"""The simulator as one process: every stand-in on one loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib.metadata
import logging
import os
import secrets
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpx
import uvicorn
from starlette.applications import Starlette

from simulator import assemblyai, control, deepgram, openai, phone, rime, state_file
from simulator.certificates import certificates
from simulator.control.probes import Probes
from simulator.control.routes import Controlled
from simulator.environment import environment, sip_environment
from simulator.faults import Faults
from simulator.pacing import Wheel
from simulator.recording.disk import Disk
from simulator.recording.store import Recordings
from simulator.settings import Settings, SettingsError
from simulator.sip.subscriber import Subscriber, load_subscriber, subscribe
from simulator.speech.services import SpeechServices
from simulator.speech.synthesiser import SpeechUnavailable
from simulator.telnyx import routes as telnyx_routes
from simulator.telnyx.account.seed import TEXML_APPLICATION_ID, fresh_account
from simulator.telnyx.calls.exchange import Exchange
from simulator.telnyx.calls.facilities import Facilities
from simulator.telnyx.calls.incoming import Reception
from simulator.telnyx.webhooks.delivery import Webhooks
from simulator.telnyx.webhooks.signing import load_signer

if TYPE_CHECKING:
    from simulator.sip.trunk import Trunk

log = logging.getLogger(__name__)

_WEBHOOK_GRACE_SECONDS: Final = 0.5
_MAX_MESSAGE_BYTES: Final = 1024 * 1024


class Simulator:
    """Everything outside the agent. `start`, then `stop`; a second start needs a second object."""

    def __init__(self, settings: Settings) -> None:
        """Must be made where the event loop runs. Raises SettingsError."""
        self.settings = settings
        self.token = secrets.token_urlsafe(32)
        self.faults = Faults()
        self.speech = SpeechServices()
        try:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            self._signer = load_signer(settings.data_dir / "telnyx_signing.key")
            self._subscriber = (
                None if settings.sip_port is None else load_subscriber(settings.data_dir / "telnyx_sip.password")
            )
        except (OSError, ValueError) as error:
            raise SettingsError(f"The data directory cannot be used: {error}") from error
        self._socket = _bind(settings.host, settings.port)
        self.webhooks = Webhooks(self._signer)
        self.account = fresh_account()
        self._disk = Disk()
        self._http = httpx.AsyncClient(
            verify=certificates(), trust_env=False, follow_redirects=True, max_redirects=3
        )
        self.recordings = Recordings(settings.data_dir / "recordings", lambda: self.url)
        self.exchange = Exchange(self._facilities(), settings.ring_ms, settings.record_dir)
        self.reception = Reception(self.exchange, TEXML_APPLICATION_ID)
        self.trunk: Trunk | None = None
        if settings.sip_port is not None and self._subscriber is not None:
            self.trunk = self.reception.trunk = self._trunk(self._subscriber, settings.sip_port)
        self._probes = Probes(self.webhooks, self.account)
        self._server = _Server(self._app())
        self._serving: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where the simulator listens, without a slash at its end."""
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"http://{host}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        values = environment(self.settings.host, self.port, self._signer.public_key, self.settings.api_key)
        user = self._subscriber
        if self.trunk is not None and user is not None:
            values |= sip_environment(self.trunk.address, user.user_name, user.password)
        return values

    async def start(self) -> None:
        """Returns when requests are answered and the state file is written. Raises SettingsError."""
        if self.trunk is not None:
            await self._start_trunk(self.trunk)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._serving.done():
            await self._serving
            raise SettingsError("The HTTP server stopped as soon as it was started; the log says why.")
        state = state_file.State(os.getpid(), self.port, self.token, _version(), datetime.now(UTC).isoformat())
        state_file.write(self.settings.data_dir, state)
        self._warming = asyncio.create_task(self._warm_up())

    async def stop(self) -> None:
        """Hang up, say what can be said in half a second, and close everything."""
        state_file.remove(self.settings.data_dir, os.getpid())
        await self.exchange.close()
        if self.trunk is not None:
            await self.trunk.stop()
        await self._probes.close()
        await self.webhooks.close(_WEBHOOK_GRACE_SECONDS)
        await self._http.aclose()
        await asyncio.to_thread(self._disk.close)
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait({self._warming})
        await self.speech.close()
        self._socket.close()

    def _trunk(self, subscriber: Subscriber, port: int) -> Trunk:
        # Late: few simulators have a trunk, and its libraries take a tenth of a start.
        from simulator.sip.trunk import Trunk

        subscribe(self.account, subscriber)
        return Trunk(self.exchange, self.settings.host, port)

    async def _start_trunk(self, trunk: Trunk) -> None:
        try:
            await trunk.start()
        except OSError as error:
            await trunk.stop()
            self._socket.close()
            raise SettingsError(
                f"The SIP trunk cannot listen on port {self.settings.sip_port}: stop what does or choose another "
                f"with --sip-port ({error})."
            ) from error

    async def _warm_up(self) -> None:
        """Start the speech processes before the first call needs them; the listener need not wait for it."""
        if self.speech.synthesiser.why_not is not None:
            log.warning("%s", self.speech.synthesiser.why_not)
        try:
            await self.speech.start()
        except SpeechUnavailable as error:
            log.error("%s", error)

    def _facilities(self) -> Facilities:
        return Facilities(
            wheel=Wheel(),
            speech=self.speech,
            webhooks=self.webhooks,
            recordings=self.recordings,
            account=self.account,
            http=self._http,
            disk=self._disk,
            l16_big_endian=self.settings.l16_big_endian,
        )

    def _app(self) -> Starlette:
        controlled = Controlled(
            token=self.token,
            version=_version(),
            environment=lambda: self.environment,
            exchange=self.exchange,
            reception=self.reception,
            webhooks=self.webhooks,
            speech=self.speech,
            faults=self.faults,
            probes=self._probes,
        )
        return Starlette(
            routes=[
                # Before Telnyx, whose /v2 would take AssemblyAI's retired address.
                *assemblyai.routes(self.speech, self.faults),
                *telnyx_routes.routes(self.settings.api_key, self.exchange),
                *openai.routes(self.faults),
                *deepgram.routes(self.speech, self.faults),
                *rime.routes(self.speech, self.faults),
                # Before the rest of /sim, which it is below.
                *phone.routes(self.token, self.exchange, self.reception),
                *control.routes(controlled),
            ]
        )


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, and with an event for the moment it listens."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ws="websockets-sansio",
                ws_max_size=_MAX_MESSAGE_BYTES,
                ws_ping_interval=None,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, answers come 40 ms late.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Listening here already makes a second simulator on the port fail now, not later.
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"Port {port} is already in use: stop what listens there or choose another with --port."
            ) from None
        raise SettingsError(f"Cannot listen on {host} port {port}: {error}.") from error
    return listener


def _version() -> str:
    try:
        return importlib.metadata.version("sidetone")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
