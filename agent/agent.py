"""The agent process as one object: what it is made of, how it comes up and how it goes down."""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import logging
import os
import time
from typing import TYPE_CHECKING, Literal

from agent import api, events, history, logs, memory, paths, tools
from agent.call import Call
from agent.call_state import CallState
from agent.calls import Calls
from agent.carriers import CarrierError
from agent.carriers.telnyx import BadWebhook, Telnyx, check_signature
from agent.definition import Definition
from agent.frameworks import Framework
from agent.journal import Journal
from agent.limits import Refused
from agent.recordings import Recordings
from agent.redact import Redactor
from agent.settings import Settings
from agent.stream import EventStream
from agent.telnyx_calls import TelnyxCalls

if TYPE_CHECKING:
    from agent.rooms.room_calls import RoomCalls

VERSION = importlib.metadata.version("sidetone")
_KEEP_FROM_BEFORE = 20

log = logging.getLogger(__name__)


class Agent:
    """Made before the server listens; ``start`` needs the running loop and the port."""

    def __init__(self, settings: Settings, definition: Definition) -> None:
        self.settings, self.definition = settings, definition
        self.redact = Redactor(settings.secrets)
        self._began = time.monotonic()
        self._journal = Journal(
            paths.journal_file(),
            self.redact,
            max_days=settings.journal_days,
            max_bytes=int(settings.journal_mb * 1_000_000),
            on_failure=self._journal_failed,
        )
        self.stream = EventStream(self._journal, self.health)
        self._carrier = Telnyx(settings.telnyx.url, settings.telnyx.key)
        self.recordings = Recordings(
            paths.recordings_dir(),
            settings.record_days,
            lambda file, reason: self.calls.recorders.failed(file, reason),
        )
        self.calls = Calls(
            settings,
            definition,
            tools.find(definition.tools),
            self.stream,
            self.recordings,
            lambda: self.url,
        )
        self.telnyx = TelnyxCalls(settings, self.calls, self._carrier, self.stream, lambda: self.url)
        self.rooms: RoomCalls | None = None
        """LiveKit's rooms, once loaded, where the settings want them."""
        self._host, self._port = "127.0.0.1", 0
        self._status: Literal["ok", "stopping"] = "ok"
        self._loaded = False
        self._failure = ""
        self._loading: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def start(self, host: str, port: int) -> None:
        """Open the journal and begin to load; calls are taken once that is done.

        Raises:
            JournalError: the journal cannot be opened.
        """
        self._host, self._port = host, port
        self._journal.open()
        self.recordings.open()
        crashed = self._remember()
        self.stream.emit(
            events.AgentStarting(
                version=VERSION,
                pid=os.getpid(),
                framework=self.settings.framework,
                definition=self.definition.name,
                services=self.settings.services(self.definition.voice.service),
            )
        )
        if crashed:
            self.stream.emit(events.AgentCrashed(detail="The run before this one ended without a word."))
        api.AgentFile(os.getpid(), host, port, self.settings.token, VERSION).write(paths.agent_file())
        self._loading = asyncio.create_task(self._load(), name="load")

    async def stop(self, reason: str) -> None:
        """Hang up every call and close everything."""
        self._status = "stopping"
        if self._loading is not None and not self._loading.done():
            self._loading.cancel()
        if self.rooms is not None:
            self.rooms.worker.drain()
        await self.calls.close()
        if self.rooms is not None:
            await self.rooms.stop()
        self.stream.emit(events.AgentStopped(reason=reason))
        known = api.AgentFile.read(paths.agent_file())
        if known is not None and known.pid == os.getpid():
            paths.agent_file().unlink(missing_ok=True)
        await self._carrier.close()
        await self.recordings.close()
        await self._journal.close()
        self.stream.close()

    def health(self) -> api.Health:
        problems = self.settings.problems(self.definition.voice.service)
        if self._failure:
            problems.insert(0, self._failure)
        elif not self._loaded:
            problems.insert(0, "The agent is still loading: a call waits until it is done.")
        elif self.rooms is not None and self.rooms.worker.trouble:
            problems.insert(0, self.rooms.worker.trouble)
        return api.Health(
            status=self._status,
            version=VERSION,
            pid=os.getpid(),
            framework=self.settings.framework,
            definition=self.definition.name,
            services=self.settings.services(self.definition.voice.service),
            calls=len(self.calls),
            seq=self.stream.seq,
            uptime_ms=round((time.monotonic() - self._began) * 1000),
            rss_mb=memory.rss_mb(),
            problems=problems,
            worker=self._worker(),
        )

    def _worker(self) -> api.Worker | None:
        if self.rooms is not None:
            return self.rooms.worker.health()
        wanted = self.settings.rooms
        if wanted is None or wanted.missing or self._loaded or self._failure:
            return None
        return api.Worker(state="connecting", agent_name=wanted.agent_name, url=wanted.url, limit=wanted.most_load)

    async def dial(self, request: api.DialRequest) -> Call:
        """Place a call on the line that was asked for, or on the agent's own.

        Raises:
            Refused: it cannot be placed, or was refused.
        """
        if (request.line or self.settings.line) == "telnyx":
            return await self.telnyx.dial(request)
        rooms = self.settings.rooms
        if rooms is not None and not rooms.missing and not self._failure:
            await self.calls.opened()
        if self.rooms is None:
            problems = self.settings.problems(self.definition.voice.service, "livekit")
            raise Refused((problems or [self._failure or "The agent is still loading: try again."])[0], 503)
        return await self.rooms.dial(request)

    def check(self, route: str, body: bytes, headers: dict[str, str]) -> int:
        """Check a carrier's signature; returns the request's age in milliseconds.

        Raises:
            BadWebhook: nothing in the body may be believed; that was journaled.
        """
        try:
            return check_signature(body, headers, self.settings.telnyx_public_key)
        except BadWebhook as error:
            self.stream.emit(events.WebhookRejected(route=route, reason=str(error)))
            raise

    def log_event(self, level: str, logger: str, message: str) -> None:
        """Put a warning or worse of the process's log into the stream."""
        self.stream.emit(events.AgentLog(level=level, logger=logger, message=message[:500]))

    async def _load(self) -> None:
        try:
            framework = await asyncio.to_thread(self._load_libraries)
        except Exception as error:
            log.exception("The agent cannot load")
            self._failure = f"The agent cannot load: {type(error).__name__}: {error}"
            self.stream.emit(events.Error(where="agent", message=self._failure, fix="Run `make setup`."))
            return
        finally:
            memory.settle()
        self._loaded = True
        self.calls.open(framework)
        self._open_rooms()
        took = round((time.monotonic() - self._began) * 1000)
        self.stream.emit(events.AgentReady(host=self._host, port=self._port, startup_ms=took))
        for state in [state for state in self.stream.calls.values() if state.live]:
            if self.calls.get(state.id) is None:
                await self._end_orphan(state)
        await framework.warm()

    async def _end_orphan(self, state: CallState) -> None:
        """End a call that an earlier run of the agent left behind: nobody answers on it any more."""
        try:
            if state.room.name:
                await self._end_room(state.room.name)
            elif state.call_control_id:
                await self.telnyx.end_orphan(state.call_control_id)
        except CarrierError as error:
            fix = "Check in the carrier's portal that it ended."
            self.stream.emit(events.Error(where="line", message=str(error), fix=fix), state.id)
        ended = events.CallEnded(cause="agent_lost", source="agent", duration_ms=0, detail="the agent went away")
        self.stream.emit(ended, state.id)

    async def _end_room(self, room: str) -> None:
        if self.rooms is None:
            raise CarrierError(f"The room {room} was not ended: the agent takes no calls in rooms now.")
        await self.rooms.end_orphan(room)

    def _open_rooms(self) -> None:
        """Take calls in rooms too, if that is wanted and can be."""
        rooms = self.settings.rooms
        if rooms is None or rooms.missing:
            return
        from agent.rooms.room_calls import RoomCalls

        self.rooms = RoomCalls(self.settings, rooms, self.calls, self.stream)
        self.rooms.start()

    def _load_libraries(self) -> Framework:
        # Late, since the frameworks and the Telnyx SDK take seconds and the agent answers /health meanwhile.
        framework = self._framework()
        framework.load()
        if self.settings.rooms is not None:
            importlib.import_module("agent.rooms.room_calls")
        self._carrier.connect()
        return framework

    def _framework(self) -> Framework:
        if self.settings.framework == "livekit":
            from agent.frameworks.livekit import LiveKit

            return LiveKit(self.definition, self.settings.openai)
        logs.take_over_loguru()
        from agent.frameworks.pipecat import Pipecat

        return Pipecat(self.definition, self.settings.openai)

    def _remember(self) -> bool:
        """Fold the calls of earlier runs; returns whether the last run crashed."""
        try:
            for state in history.calls(paths.journal_file(), _KEEP_FROM_BEFORE):
                self.stream.calls[state.id] = state
            last = history.last_run(paths.journal_file())
        except history.HistoryError as error:
            log.warning("%s", error)
            return False
        return isinstance(last, events.AgentStarting)

    def _journal_failed(self, text: str) -> None:
        log.error(text)
        self.stream.emit_live(
            events.Error(where="journal", message=text, fix="Make room or move SIDETONE_DATA_DIR.")
        )
