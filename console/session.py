"""What stands behind the screen: the store, kept fed, and what the operator can do to calls and processes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Literal

from agent import api, events, paths
from console import environment
from console.client import AgentClient, AgentError, Endpoint
from console.http_client import Http
from console.options import Options
from console.preferences import Preferences
from console.process_state import ProcessState
from console.simulator_client import Simulator, SimulatorError
from console.store import Store

if TYPE_CHECKING:
    from console.sound.protocol import Configure
    from console.sound_desk import SoundDesk
    from console.supervisor import Supervisor


class Session:
    """One console's connection to one agent, from ``start`` to ``close``."""

    def __init__(self, store: Store, options: Options) -> None:
        self.store = store
        self.remote = options.url
        self.preferences = Preferences(paths.data_dir() / "console.json")
        self._options = options
        self._http = Http()
        self._client = AgentClient(self._endpoint, self._http)
        self._settings: Mapping[str, str] = {}
        self._plan: environment.Plan | None = None
        self._supervisor: Supervisor | None = None
        self._sound: SoundDesk | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    def start(self) -> asyncio.Task[None]:
        """Begin; the task ends only when something failed that should not have."""
        self._running = asyncio.create_task(self._run(), name="session")
        return self._running

    @property
    def line(self) -> str:
        """SIM or LIVE; LIVE as long as it is not known, because that is the one to be careful with."""
        return self.store.services.get("line", "LIVE")

    @property
    def who(self) -> str:
        """The operator's name."""
        return self.store.operator

    @property
    def sound(self) -> SoundDesk:
        """Ears, voice and softphone; nothing is started before the first need."""
        if self._sound is None:
            # Late, because the first paint must not wait for it.
            from console import sound_desk, sound_settings

            def configured() -> Configure:
                return sound_settings.configure(self._settings, self.preferences)

            self._sound = sound_desk.SoundDesk(
                self.store, self._client, configured, sound_desk.link, self._simulator
            )
        return self._sound

    async def step_in(self, call: str, action: api.StepIn, text: str = "") -> None:
        """Do something to a live call; see :class:`agent.api.StepInRequest`.

        Raises:
            AgentError: the agent refused, or cannot be reached.
        """
        await self._client.step_in(call, action, text, self.who)

    async def recording(self, call: str, action: api.RecordingAction) -> None:
        """Begin, pause or resume the recording of a live call.

        Raises:
            AgentError: the agent refused, or cannot be reached.
        """
        await self._client.recording(call, action, self.who)

    async def dial(self, number: str, band: Literal["", "narrow", "hd"] = "") -> str:
        """Dial ``number`` (E.164); returns the call's id. Without a ``band`` that of the options counts, or the
        agent's own.

        Raises:
            AgentError: the agent refused, or cannot be reached.
        """
        line = environment.dialled_line(self._plan.line if self._plan is not None else self._options.line)
        request = api.DialRequest(to=number, band=band or self._options.band, line=line, who=self.who)
        call = await self._client.dial(request)
        if number != environment.SIM_PHONE:
            # d is to dial who was dialled before, not the person at this machine.
            self.preferences.remember(self.line, number)
        return call

    async def hang_up(self, call: str) -> None:
        """Hang up.

        Raises:
            AgentError: the agent refused, or cannot be reached.
        """
        await self._client.hang_up(call, self.who)

    async def tune(self, call: str, fields: Mapping[str, Any]) -> api.TuneAnswer:
        """Send ``fields``, as :func:`agent.tuning.parse` reads them, into the call's AssemblyAI session.

        Raises:
            AgentError: the agent refused, or cannot be reached.
        """
        return await self._client.tune(call, fields, self.who)

    async def end_turn(self, call: str) -> api.TuneAnswer:
        """Let AssemblyAI end the caller's turn here and now.

        Raises:
            AgentError: the agent refused, or cannot be reached.
        """
        return await self._client.end_turn(call, self.who)

    async def save_tuning(self, call: str) -> api.SaveAnswer:
        """Write what was tuned in the call into the agent definition.

        Raises:
            AgentError: the agent refused, or cannot be reached.
        """
        return await self._client.save_tuning(call, self.who)

    def restart_agent(self) -> None:
        if self._supervisor is not None:
            self._supervisor.restart_agent()

    async def close(self, stop: bool, attached: bool = False) -> list[ProcessState]:
        """Let go of everything; returns the processes that go on running.

        ``stop`` ends what this console started, ``attached`` what it only found as well.
        """
        for task in (self._running, *self._tasks):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task
        if self._sound is not None:
            await self._sound.close()
        left: list[ProcessState] = []
        if self._supervisor is not None:
            if stop:
                await self._supervisor.stop(attached)
            for state in (self.store.agent, self.store.simulator):
                process = self._supervisor.agent if state.name == "agent" else self._supervisor.simulator
                if process is not None and process.running is not None:
                    left.append(state)
        await self._http.close()
        return left

    async def _run(self) -> None:
        from console.operator_name import operator_name

        self._settings = settings = await asyncio.to_thread(environment.read_settings)
        self.store.operator = operator_name(settings)
        if self.remote:
            self._ready.set()
            self.store.process_changed(ProcessState("agent", "starting", since=self.store.clock()))
            await self._follow()
            return
        # Late, since the first paint must not wait for it.
        from console.supervisor import Supervisor

        self._plan = plan = environment.decide(
            settings,
            self._options.line,
            self._options.simulated,
            rooms=self._options.rooms,
            framework=self._options.framework,
        )
        self.store.expect_services(plan.services, plan.voice, plan.rooms)
        self._supervisor = Supervisor(plan, paths.data_dir(), self._http, self._process_changed)
        self._ready.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._supervisor.run(), name="supervisor")
            group.create_task(self._follow(), name="events")

    async def _follow(self) -> None:
        await self._client.follow(self._deliver, self._lost, lambda: self.store.seq, self.who)

    async def _endpoint(self) -> Endpoint:
        await self._ready.wait()
        if self._supervisor is not None:
            return await self._supervisor.endpoint()
        return Endpoint(self.remote, self._options.token)

    def _deliver(self, message: api.Item, _text: str) -> None:
        self.store.feed(message)
        if isinstance(message, events.Event) and message.call:
            if self._sound is not None:
                self._sound.happened(message)
            return
        if self.remote and self.store.agent.phase != "up":
            self.store.process_changed(ProcessState("agent", "up", since=self.store.clock(), attached=True))
        if isinstance(message, api.Snapshot):
            self._compare(message.health)
            if self._sound is not None:
                self._sound.settle()
        if isinstance(message, (events.AgentReady, events.WorkerState, api.Resumed)):
            # What keeps calls from working may be other than before.
            self._beside(self._read_health())

    def _process_changed(self, state: ProcessState) -> None:
        self.store.process_changed(state)
        if (state.name, state.phase) == ("simulator", "up"):
            self._beside(self._read_simulator_health())
            if self._sound is not None:
                self._beside(self._sound.simulator_up())

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.store.tell("error", f"{type(error).__name__}: {error}")

    async def _simulator(self) -> Endpoint:
        process = self._supervisor.simulator if self._supervisor is not None else None
        if process is None or process.running is None:
            from console.sound_desk import NoSound

            raise NoSound("The softphone needs the simulator, which does not run.")
        return Endpoint(process.running.url, process.running.token)

    def _compare(self, health: api.Health) -> None:
        """An agent that was found running may have been started with other settings than those of now."""
        if self._plan is None:
            return
        asked, found = dict(self._plan.services), health.services
        uses = next(
            (f"uses {one} {found.get(one)}, not {mode}" for one, mode in asked.items() if found.get(one) != mode),
            "",
        )
        if self._plan.framework not in ("", health.framework):
            uses = f"is on {health.framework}, not {self._plan.framework}"
        elif self._plan.rooms and health.worker is None:
            uses = "takes no calls in rooms"
        if uses:
            self.store.tell("warn", f"the agent that runs {uses}: R restarts it with the settings of now.")

    def _lost(self, reason: str) -> None:
        self.store.unlinked(reason)
        if self.remote:
            self.store.process_changed(
                ProcessState("agent", "crashed", since=self.store.clock(), detail=reason, attached=True)
            )

    async def _read_simulator_health(self) -> None:
        process = self._supervisor.simulator if self._supervisor is not None else None
        if process is None or process.running is None:
            return
        try:
            self.store.feed_silence(await Simulator(process.running, self._http).why_silent())
        except SimulatorError as error:
            self.store.tell("warn", str(error))

    async def _read_health(self) -> None:
        try:
            self.store.feed_health(await self._client.health())
        except AgentError as error:
            self.store.tell("warn", str(error))
