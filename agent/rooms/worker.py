"""The agent as a LiveKit worker: registered at a server by its name, offered jobs, and telling of each refusal.

livekit-agents' AgentServer speaks the protocol, in this process. It would refuse jobs silently above a load; here
its threshold is out of reach and each job is looked at by us. A job runs in a thread of AgentServer's that does
nothing but wait: the call is on the agent's own loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from agent import api, events
from agent.events import Event
from agent.limits import Refused
from agent.rooms.load import LoadMeter
from agent.rooms.worker_log import ConnectionLog, ordinary
from agent.settings import LOOPBACK, Rooms

# Read when livekit.agents is first imported in a job's thread: models of 260 MB that nothing here uses.
os.environ.setdefault("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "0")

from livekit.agents import (
    AgentServer,
    JobContext,
    JobExecutorType,
    JobRequest,
    RecordingOptions,
    WorkerPermissions,
)
from livekit.agents.job import RunningJobInfo
from livekit.protocol.models import TrackSource

_LOAD_EVERY_S: Final = 2.0
_CLOSE_S: Final = 4.0
_REPORTED: Final = 0.65
"""The most that is told to the server, which silently offers nothing to a worker near its target load of 0.7
(livekit/livekit ``pkg/service/agentservice.go``)."""

log = logging.getLogger(__name__)

Serve = Callable[[RunningJobInfo], Awaitable[None]]


class Worker:
    """One for the agent, on the agent's loop.

    Args:
        rooms: the server, our name there, and when we take no more.
        check: whether a job, given its room and its metadata, is for a call that we placed; raises Refused, whose
            text is told, when it is not to be taken.
        serve: talks in the job's room until the call is over.
        most_jobs: what the settings allow at once.
        emit: takes ``worker.*`` events; ``emit_live`` those that are not stored.
    """

    def __init__(
        self,
        rooms: Rooms,
        check: Callable[[str, str], bool],
        serve: Serve,
        most_jobs: int,
        emit: Callable[[Event], object],
        emit_live: Callable[[Event], object],
    ) -> None:
        self._rooms, self._check, self._serve = rooms, check, serve
        self._most_jobs, self._emit, self._emit_live = most_jobs, emit, emit_live
        self._state = events.WorkerState(state="connecting", agent_name=rooms.agent_name, url=rooms.url)
        self._server: AgentServer | None = None
        self._meter: LoadMeter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._refused = 0
        self._stopping = False
        self._settled = asyncio.Event()
        self._coming: set[str] = set()

    @property
    def busy(self) -> str:
        """That the load is at its limit, in one sentence, or empty; a limit of 1 is none."""
        limit = self._rooms.most_load
        if limit >= 1 or self.load < limit:
            return ""
        return f"The agent is busy: its load of {self.load:.0%} is at the limit, SIDETONE_MAX_LOAD={limit:g}."

    @property
    def coming(self) -> int:
        """How many jobs were taken that have no call yet and are not in their rooms."""
        return len(self._coming)

    @property
    def load(self) -> float:
        return self._meter.value if self._meter is not None else 0.0

    @property
    def registered(self) -> bool:
        return self._state.state == "registered"

    @property
    def trouble(self) -> str:
        """Why no call can be taken now, in one sentence, or empty."""
        name, state = self._rooms.agent_name, self._state
        match state.state:
            case "registered":
                return ""
            case "connecting":
                return f"The agent is still registering as {name} at {self._rooms.url}."
            case "lost" | "stopped":
                return f"The agent is not registered as {name} at {self._rooms.url}: {state.detail}"
            case _:
                return "The agent is stopping."

    async def settled(self, within_s: float) -> None:
        """Wait, so long at most, until it is known whether the server takes us."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), within_s)

    def start(self) -> None:
        """Begin to register; it is tried until :meth:`stop`."""
        self._loop = asyncio.get_running_loop()
        self._meter = LoadMeter()
        host = urlsplit(self._rooms.url).hostname or ""
        # AgentServer knows nothing of NO_PROXY.
        proxy: dict[str, Any] = {"http_proxy": None} if host in LOOPBACK else {}
        server = self._server = AgentServer(
            job_executor_type=JobExecutorType.THREAD,
            load_threshold=math.inf,
            load_fnc=lambda: self.load * _REPORTED,
            num_idle_processes=1,
            # What a token of the agent's lets anybody do in a room: no data, no names, one voice.
            permissions=WorkerPermissions(
                can_publish_data=False, can_update_metadata=False, can_publish_sources=[TrackSource.MICROPHONE]
            ),
            # The calls are over before their threads are asked to end.
            shutdown_process_timeout=_CLOSE_S,
            max_retry=2**31,
            ws_url=self._rooms.url,
            api_key=self._rooms.key,
            api_secret=self._rooms.secret,
            host="127.0.0.1",
            port=self._rooms.health_port,
            multiprocessing_context="spawn",
            **proxy,
        )
        server.rtc_session(self._job, agent_name=self._rooms.agent_name, on_request=self._offered)
        server.on("worker_registered", lambda worker_id, _info: self._now("registered", worker_id=worker_id))
        self._watch = ConnectionLog(self._loop, self._lost)
        logging.getLogger("livekit.agents").addFilter(self._watch)
        logging.getLogger("livekit").addFilter(ordinary)
        self._now("connecting")
        self._tasks = [
            asyncio.create_task(self._run(server), name="worker"),
            asyncio.create_task(self._report(), name="worker-load"),
        ]

    def drain(self) -> None:
        """Take no more jobs, and say so to the server."""
        if self._stopping:
            return
        self._stopping = True
        if self._server is not None:
            self._now("draining")
            self._tasks.append(asyncio.create_task(self._drain(self._server), name="worker-drain"))

    async def stop(self) -> None:
        """Leave the server; the calls are over."""
        self.drain()
        if self._meter is not None:
            self._meter.stop()
        if self._server is not None:
            try:
                async with asyncio.timeout(2 * _CLOSE_S):
                    await self._server.aclose()
            except Exception as error:
                log.warning("The worker did not close in order: %s: %s", type(error).__name__, error)
            logging.getLogger("livekit.agents").removeFilter(self._watch)
            logging.getLogger("livekit").removeFilter(ordinary)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._state.state != "stopped":
            self._now("stopped")

    def health(self) -> api.Worker:
        state = self._state
        return api.Worker(
            state=state.state,
            agent_name=state.agent_name,
            url=state.url,
            worker_id=state.worker_id,
            port=self._server.worker_info.http_port if self._server is not None else 0,
            load=round(self.load, 2),
            limit=self._rooms.most_load,
            jobs=self._jobs(),
            refused=self._refused,
            detail=state.detail,
        )

    async def _offered(self, request: JobRequest) -> None:
        job = request.job
        try:
            ours = self._take(job.room.name, job.metadata)
        except Refused as refused:
            self._refused += 1
            self._emit(events.WorkerRefused(job=job.id, room=job.room.name, reason=str(refused)))
            # The server offers it to another worker of our name, if there is one.
            await request.reject(terminate=False)
            return
        if not ours:
            self._coming.add(job.id)
        try:
            await request.accept(name=self._rooms.agent_name)
        except Exception as error:
            self._coming.discard(job.id)
            what = f"LiveKit did not give us the job for room {job.room.name} that it had offered"
            self._emit(events.Error(where="line", message=f"{what}: {type(error).__name__}."))

    def _take(self, room: str, metadata: str) -> bool:
        if self._stopping:
            raise Refused("The agent is stopping.")
        ours = self._check(room, metadata)
        if not ours and self.busy:
            raise Refused(self.busy)
        return ours

    async def _job(self, context: JobContext) -> None:
        """In the job's thread: have the call served on the agent's loop, and wait for its end."""
        # Else a project that records has this process's log uploaded when the job ends without a session.
        context.init_recording(RecordingOptions(audio=False, traces=False, logs=False, transcript=False))
        work = asyncio.run_coroutine_threadsafe(self._begin(context.job.id), self._loop)
        try:
            await asyncio.wrap_future(work)
        finally:
            context.shutdown("the call is over")

    async def _begin(self, job: str) -> None:
        assert self._server is not None
        try:
            info = next(info for info in self._server.active_jobs if info.job.id == job)
        finally:
            self._coming.discard(job)
        if self._stopping:
            return
        try:
            await self._serve(info)
        except Exception as error:
            log.exception("A call in a room failed")
            message = f"The call in room {info.job.room.name} failed: {type(error).__name__}: {error}"
            self._emit(events.Error(where="line", message=message, fix="See the agent's log."))

    async def _run(self, server: AgentServer) -> None:
        try:
            await server.run()
        except OSError as error:
            self._now(
                "stopped", detail=f"The health port cannot be used ({error.strerror}): set SIDETONE_WORKER_PORT."
            )
        except Exception as error:
            log.exception("The worker ended")
            self._now("stopped", detail=f"{type(error).__name__}: {error}. Start the agent again.")

    async def _drain(self, server: AgentServer) -> None:
        try:
            await server.drain(timeout=round(_CLOSE_S))
        except TimeoutError:
            return  # :meth:`stop` ends what is left.
        except Exception as error:
            log.info("The server was not told that the worker drains: %s: %s", type(error).__name__, error)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_LOAD_EVERY_S)
            self._emit_live(
                events.WorkerLoad(
                    load=round(self.load, 3),
                    limit=self._rooms.most_load,
                    jobs=self._jobs(),
                    most_jobs=self._most_jobs,
                )
            )

    def _jobs(self) -> int:
        try:
            return len(self._server.active_jobs) if self._server is not None else 0
        except AttributeError:
            # Before it runs it has no list.
            return 0

    def _lost(self, why: str) -> None:
        if not self._stopping and (self._state.state != "lost" or self._state.detail != why):
            self._now("lost", detail=why)

    def _now(self, state: Any, *, worker_id: str = "", detail: str = "") -> None:
        self._state = events.WorkerState(
            state=state,
            agent_name=self._rooms.agent_name,
            url=self._rooms.url,
            worker_id=worker_id,
            detail=detail,
        )
        if state != "connecting":
            self._settled.set()
        self._emit(self._state)
