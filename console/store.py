"""What the console knows: every call folded from its events, the processes, the log. Plain Python, no screen.

Events are fed in as they come; whoever draws asks ``take_changes`` what is new and reads the rest directly.
Everything is bounded.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from msgspec import structs

from agent import api, call_state, events
from agent.call_state import CallState
from agent.events import Event
from console import describe, room_words, words
from console.process_state import ProcessState
from console.sound_state import SoundState
from console.voice_service import VoiceService

MAX_EVENTS = 300
MAX_LOG = 2_000
MAX_ENDED = 100
RECENT_TURNS = 20
LEVELS = 5

Level = Literal["info", "warn", "error"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the operator; ``at`` is wall time in seconds."""

    at: float
    level: Level
    text: str


@dataclass(slots=True)
class CallView:
    """A call and what the screen needs beside its folded state.

    ``began`` is wall time in seconds, ``levels`` holds the last levels of caller and agent in dBFS, ``waits``
    the last latencies in milliseconds. ``events`` leaves out levels and statistics, and all heartbeats but the
    last, which is ``heartbeat``.
    """

    state: CallState
    began: float = 0.0
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    heartbeat: Event | None = None
    levels: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=LEVELS))
    waits: deque[int] = field(default_factory=lambda: deque(maxlen=RECENT_TURNS))

    @staticmethod
    def of(state: CallState) -> CallView:
        view = CallView(state, words.epoch(state.started_at))
        view.waits.extend(state.latencies_ms()[-RECENT_TURNS:])
        return view

    @property
    def answered(self) -> float:
        """Wall time of the answer, or of the begin while there is none."""
        if not self.state.answered_mono:
            return self.began
        return self.began + (self.state.answered_mono - self.state.started_mono) / 1e9

    def elapsed(self, now: float) -> float:
        """Seconds of talk, or of ringing as long as nobody answered."""
        state = self.state
        if state.live:
            return max(0.0, now - self.answered)
        if state.answered_mono:
            return state.duration_ms / 1000
        return max(0.0, (state.ended_mono - state.started_mono) / 1e9)


class Store:
    """Fed by the agent's stream and the supervisor, read by the screen. ``clock`` is wall time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.calls: dict[str, CallView] = {}
        self.seq: int | None = None
        self.services: dict[str, str] = {}
        self.voice: VoiceService = "deepgram"
        self._rooms_asked = False
        self.problems: list[str] = []
        self.worker: api.Worker | None = None
        """The agent as a worker of LiveKit rooms, where it is one."""
        self.silence = ""
        self.agent = ProcessState("agent")
        self.simulator = ProcessState("simulator")
        self.sound = SoundState(clock, self._touch)
        self.operator = "console"
        """Who sits at this console, as the agent knows them."""
        self.linked = False
        self.up_since = 0.0
        self.ended = 0
        self.log: deque[Notice] = deque(maxlen=MAX_LOG)
        self.logged = 0
        self.notice: Notice | None = None
        self._was_down: dict[str, bool] = {}
        self._changed: set[str] = {""}
        self._moved = False
        self._listing: list[CallView] | None = None

    def feed(self, message: api.Item) -> None:
        """Take one item of the agent's stream."""
        if isinstance(message, Event):
            if message.seq:
                if self.seq is not None and message.seq <= self.seq:
                    return
                self.seq = message.seq
            self._event(message)
        elif isinstance(message, api.Snapshot):
            self._snapshot(message)
        else:
            self.linked = True
            self._touch()

    def feed_health(self, health: api.Health) -> None:
        """What the agent says of itself."""
        self.services, self.problems = dict(health.services), health.problems
        self.worker = health.worker
        self.up_since = self.clock() - health.uptime_ms / 1000
        self._touch()

    def feed_silence(self, reason: str) -> None:
        """Why the simulator cannot speak, or nothing."""
        self.silence = reason
        if reason:
            self.tell("error", reason)
        self._touch()

    def expect_services(self, services: Mapping[str, str], voice: VoiceService, rooms: bool) -> None:
        """What will run, as long as no agent has said what does, whose the voice is, and whether calls are to come
        in LiveKit rooms."""
        self.voice, self._rooms_asked = voice, rooms
        if not self.services:
            self.services = dict(services)
            self._touch()

    def unlinked(self, reason: str) -> None:
        """The stream broke off; calls are shown as they were last known."""
        if self.linked:
            self.linked = False
            self.tell("warn", reason)

    def process_changed(self, state: ProcessState) -> None:
        """The supervisor has news of a process."""
        before = self.agent if state.name == "agent" else self.simulator
        if state.name == "agent":
            self.agent = state
        else:
            self.simulator = state
        if state.phase != before.phase:
            self.add_log("error" if state.phase == "crashed" else "info", _process_line(state))
            for line in state.tail:
                self.add_log("error", f"{state.name}: {line}")
        if state.phase == "crashed":
            self.tell("error", state.detail)
        elif state.phase == "up" and self._was_down.get(state.name):
            self.tell("info", f"The {state.name} is up again.")
        if state.phase in ("crashed", "up"):
            self._was_down[state.name] = state.phase == "crashed"
        self._touch()

    def tell(self, level: Level, text: str) -> None:
        """Put one sentence on the notice line."""
        self.notice = Notice(self.clock(), level, text)
        self._touch()

    def add_log(self, level: Level, text: str) -> None:
        """Add one line to the log panel."""
        self.log.append(Notice(self.clock(), level, text))
        self.logged += 1
        self._touch()

    def take_changes(self) -> set[str]:
        """Ids of the calls that changed since the last time; "" stands for everything that is no call. Levels
        and statistics, which come all the time, do not count: see ``take_moves``."""
        changed, self._changed = self._changed, set()
        return changed

    def take_moves(self) -> bool:
        """Whether any level or statistic came since the last time."""
        moved, self._moved = self._moved, False
        return moved

    def listing(self) -> list[CallView]:
        """Live calls in the order of their start, then ended ones, the latest first."""
        if self._listing is None:
            live = [view for view in self.calls.values() if view.state.live]
            done = [view for view in self.calls.values() if not view.state.live]
            live.sort(key=lambda view: view.began)
            done.sort(key=lambda view: view.began, reverse=True)
            self._listing = live + done
        return self._listing

    @property
    def rooms(self) -> bool:
        """Whether calls come in LiveKit rooms, or are to."""
        here = self.worker is not None or self._rooms_asked
        return here or any(call.state.line == "livekit" for call in self.calls.values())

    @property
    def live(self) -> int:
        return sum(view.state.live for view in self.listing())

    def number_of(self, call: str) -> int:
        """The call's place in the list, from 1; 0 when it is not there."""
        return next((n for n, view in enumerate(self.listing(), 1) if view.state.id == call), 0)

    def _touch(self, call: str = "") -> None:
        self._changed.add(call)

    def _snapshot(self, snapshot: api.Snapshot) -> None:
        known, self.calls = self.calls, {}
        for state in snapshot.calls:
            view = CallView.of(state)
            if state.id in known:
                view.events = known[state.id].events
            self.calls[state.id] = view
        self.ended = sum(not state.live for state in snapshot.calls)
        self.seq, self.linked, self._listing = snapshot.seq, True, None
        self.feed_health(snapshot.health)
        self._changed.update(self.calls)

    def _event(self, event: Event) -> None:
        if not event.call:
            self._agent_event(event)
            return
        view = self.calls.get(event.call)
        if view is None:
            view = self.calls[event.call] = CallView(CallState(event.call), words.epoch(event.at))
            self._listing = None
        state = view.state
        was_live = state.live
        call_state.apply(state, event)
        if isinstance(event, (events.MediaLevel, events.MediaStats)):
            self._moved = True
            if isinstance(event, events.MediaLevel):
                view.levels.append((event.caller, event.agent))
            return
        self._touch(event.call)
        match event:
            case events.CallInitiated():
                view.began, self._listing = words.epoch(event.at), None
                if event.direction == "inbound":
                    self.tell("info", f"call {self.number_of(event.call)}: {words.number(event.from_)} calls")
            case events.TurnLatency():
                view.waits.append(event.total_ms)
                if event.total_ms > words.SLOW_MS:
                    waited = f"the caller waited {words.seconds(event.total_ms)} s for turn {event.turn}"
                    self.tell("warn", f"call {self.number_of(event.call)}: {waited}")
            case events.Error():
                self._failed(event)
            case events.SttError():
                self.tell("error", f"call {self.number_of(event.call)}: speech recognition: {event.text}")
            case _:
                pass
        if was_live and not view.state.live:
            self._call_over(view)
        self._remember(view, event)

    def _remember(self, view: CallView, event: Event) -> None:
        last = view.events[-1] if view.events else None
        if isinstance(last, events.SttTurn) and isinstance(event, events.SttTurn) and describe.is_partial(last):
            same = last.message.get("turn_order") == event.message.get("turn_order")
            if same and last.session == event.session:
                view.events.pop()
        if describe.is_heartbeat(event):
            if view.heartbeat in view.events:
                view.events.remove(view.heartbeat)
            view.heartbeat = event
        view.events.append(event)

    def _call_over(self, view: CallView) -> None:
        self.ended += 1
        self._listing = None
        if words.phase(view.state) != "ended":
            self.tell("warn", f"{words.number(view.state.number)}: {words.ending(view.state)}")
        done = self.listing()[self.live + MAX_ENDED :]
        for old in done:
            del self.calls[old.state.id]
            self._listing = None

    def _failed(self, event: events.Error) -> None:
        text = f"{event.message} {event.fix}".strip()
        self.add_log("error", f"{event.where}: {text}")
        which = f"call {self.number_of(event.call)}: " if event.call else ""
        self.tell("error", which + text)

    def _agent_event(self, event: Event) -> None:
        match event:
            case events.AgentStarting():
                self.services, self.up_since = dict(event.services), words.epoch(event.at)
                self.worker = None
            case events.AgentReady():
                self.problems = []
                self.add_log("info", f"agent ready after {event.startup_ms} ms on port {event.port}")
            case events.AgentLog():
                level: Level = "error" if event.level in ("ERROR", "CRITICAL") else "warn"
                self.add_log(level, f"{event.logger}: {event.message}")
            case events.AgentStopped():
                self.add_log("info", f"agent stopped: {event.reason}")
            case events.AgentCrashed():
                self.add_log("error", event.detail)
            case events.WorkerState() | events.WorkerLoad() | events.WorkerRefused():
                self._worker_event(event)
            case events.WebhookRejected():
                self.add_log("warn", f"webhook refused at {event.route}: {event.reason}")
            case events.Error():
                self._failed(event)
            case _:
                pass
        self._touch()

    def _worker_event(self, event: events.WorkerState | events.WorkerLoad | events.WorkerRefused) -> None:
        worker = self.worker or api.Worker("connecting", "", "")
        back = worker.state == "lost"
        match event:
            case events.WorkerState():
                self.worker = structs.replace(
                    worker,
                    state=event.state,
                    agent_name=event.agent_name,
                    url=event.url,
                    worker_id=event.worker_id,
                    detail=event.detail,
                )
            case events.WorkerLoad():
                self.worker = structs.replace(worker, load=event.load, limit=event.limit, jobs=event.jobs)
                return
            case events.WorkerRefused():
                self.worker = structs.replace(worker, refused=worker.refused + 1)
        told = room_words.describe(event)
        assert told is not None
        self.add_log("warn" if told[1] else "info", f"worker: {told[0]}")
        if told[1]:
            self.tell("warn", f"The worker {told[0]}")
        elif back and self.worker.state == "registered":
            self.tell("info", f"The worker is registered again at {room_words.where(self.worker.url)}.")


def _process_line(state: ProcessState) -> str:
    where = f" (process {state.pid}, port {state.port})" if state.port else ""
    detail = f": {state.detail}" if state.detail else ""
    return f"{state.name} {state.phase}{where}{detail}"
