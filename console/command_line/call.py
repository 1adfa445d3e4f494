"""``sidetone call``: one call without the screen, followed to its end and judged."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from dataclasses import dataclass, field
from typing import Any

from agent import api, call_state, events, paths
from agent.call_state import CallState
from agent.events import Event
from console import environment, words
from console.caller import Band, Caller, band_for
from console.client import AgentClient, AgentError
from console.command_line import verdict
from console.command_line.command_sound import SoundChoice
from console.command_line.output import CallOutput
from console.command_line.person import Person
from console.http_client import Http
from console.process import StartError
from console.process_state import ProcessState
from console.simulator_client import Report, Simulator, SimulatorError
from console.sound_link import SoundError
from console.supervisor import Supervisor

WHO = "command line"
_REPORT_S = 10.0
_HANG_UP_S = 10.0
_LINK_S = 20.0
_LOAD_S = 30.0
_POLL_S = 0.1
_MAX_WAITING = 1_000


class CallFailed(Exception):
    """The call could not be made or did not come to its end; one sentence."""


@dataclass(frozen=True, slots=True)
class CallOrder:
    """``band`` is narrow, hd, or empty for what fits the caller; ``timeout_s`` is for the whole call.

    ``stt_faults`` go wrong with the simulated speech recognition, as the simulator is asked for them. ``sound`` is
    for a caller with a microphone.
    """

    to: str = ""
    from_: str = ""
    caller: Caller = field(default_factory=Caller)
    inbound: bool = False
    line: str = "sim"
    band: Band = ""
    simulated: tuple[str, ...] = ()
    framework: str = ""
    keep: bool = False
    timeout_s: float = 300.0
    stt_faults: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    sound: SoundChoice | None = None


@dataclass(slots=True)
class _Followed:
    """The events of the stream, kept by call until it is known which call is ours."""

    output: CallOutput
    linked: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    state: CallState | None = None
    control_id: str = ""
    waiting: dict[str, list[tuple[Event, str]]] = field(default_factory=dict)

    def deliver(self, message: api.Item, text: str) -> None:
        if not isinstance(message, Event):
            self.linked.set()
            return
        if not message.call:
            if isinstance(message, events.Error) or events.type_of(message).startswith("agent."):
                self.output.event(message, text, None)
        elif self.state is None:
            kept = self.waiting.setdefault(message.call, [])
            if len(kept) < _MAX_WAITING:
                kept.append((message, text))
            if self.control_id and isinstance(message, events.CallPlaced):
                self.adopt_placed(self.control_id)
        elif message.call == self.state.id:
            self._take(message, text)

    @property
    def answered(self) -> bool:
        return self.state is not None and bool(self.state.answered_mono)

    def adopt(self, call: str) -> None:
        """This is our call."""
        self.state = CallState(call)
        for event, text in self.waiting.pop(call, []):
            self._take(event, text)
        self.waiting.clear()

    def adopt_placed(self, control_id: str) -> None:
        """Our call is the one with this id at the carrier, known now or later."""
        self.control_id = control_id
        for call, kept in self.waiting.items():
            if any(isinstance(e, events.CallPlaced) and e.call_control_id == control_id for e, _ in kept):
                self.adopt(call)
                return

    def _take(self, event: Event, text: str) -> None:
        assert self.state is not None
        call_state.apply(self.state, event)
        self.output.event(event, text, self.state)
        if isinstance(event, events.CallEnded):
            self.over.set()


class CallRun:
    """One order carried out. ``run`` returns the exit status."""

    def __init__(self, order: CallOrder, output: CallOutput) -> None:
        self._order, self._output = order, output
        self._http = Http()
        plan = environment.decide(
            environment.read_settings(), order.line, order.simulated, framework=order.framework
        )
        if order.stt_faults and plan.services["stt"] != "SIM":
            raise environment.PlanError("Faults are for simulated speech recognition: add --sim stt.")
        self._plan = plan
        self._supervisor = Supervisor(plan, paths.data_dir(), self._http, _ignore)
        self._client = AgentClient(self._supervisor.endpoint, self._http)
        self._followed = _Followed(output)
        self._person = Person(order.sound, output.detail) if order.sound is not None else None

    async def run(self) -> int:
        """0 when the call went as it should, 1 when not, 130 when it was interrupted."""
        interrupted = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupted.set)
        work = asyncio.create_task(self._work())
        stop = asyncio.create_task(interrupted.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and self._person is not None and self._followed.answered:
                self._person.hang_up()
                await asyncio.wait({work}, timeout=_HANG_UP_S)
            if work.done():
                return work.result()
            if not await self._hang_up():
                self._output.failed("Interrupted.")
                return 130
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HANG_UP_S):
                    await self._followed.over.wait()
            self._output.failed("Interrupted: the call was hung up.")
            return 130
        except (CallFailed, AgentError, StartError, SimulatorError, SoundError) as error:
            self._output.failed(f"{error} {error.fix}".rstrip() if isinstance(error, SoundError) else str(error))
            for line in error.tail if isinstance(error, StartError) else ():
                self._output.detail(line)
            return 1
        finally:
            for task in (work, stop):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task
            await self._hang_up()
            await self._clear_faults()
            if self._person is not None:
                await self._person.close()
            if not self._order.keep:
                await self._supervisor.stop(attached=False)
            await self._http.close()

    async def _work(self) -> int:
        self._output.progress("starting the agent…")
        await self._supervisor.ensure()
        self._check(await self._client.health())
        try:
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(self._client.follow(self._followed.deliver, self._output.detail)),
                    group.create_task(self._watch()),
                ]
                if self._person is not None:
                    beside.append(group.create_task(self._watch_sound(self._person)))
                await self._talk()
                for task in beside:
                    task.cancel()
        except BaseExceptionGroup as failures:
            raise _first(failures) from None
        return await self._judge()

    async def _talk(self) -> None:
        """From the first event to the end of the call."""
        timeout_s = self._order.timeout_s
        try:
            async with asyncio.timeout(_LINK_S):
                await self._followed.linked.wait()
        except TimeoutError:
            raise CallFailed(f"The agent sent no events within {_LINK_S:g} s.") from None
        try:
            async with asyncio.timeout(timeout_s):
                await self._place()
                await self._followed.over.wait()
        except TimeoutError:
            await self._hang_up()
            raise CallFailed(f"The call was not over after {timeout_s:g} s and was hung up.") from None

    async def _loaded(self) -> None:
        """Wait until the agent answers calls; only a dialling one waits by itself."""
        deadline = asyncio.get_running_loop().time() + _LOAD_S
        while problems := (await self._client.health()).problems:
            if asyncio.get_running_loop().time() > deadline:
                raise CallFailed(problems[0])
            await asyncio.sleep(_POLL_S)

    async def _place(self) -> None:
        order, simulator = self._order, self._simulator()
        silence = await simulator.why_silent() if simulator is not None else ""
        if silence:
            raise CallFailed(silence)
        if simulator is not None:
            for fault in order.stt_faults:
                await simulator.order_fault("assemblyai", fault)
        band = band_for(order.band, order.caller, live=simulator is None)
        if order.inbound and simulator is not None:
            endpoint = await self._supervisor.endpoint()
            to, caller = order.to or environment.SIM_NUMBER, order.from_ or environment.SIM_CALLEE
            await self._loaded()
            self._output.begin(f"{words.number(caller)} calls {words.number(to)}", self._plan.services)
            who = order.caller.order(wideband=(band or self._plan.settings.get("SIDETONE_BAND")) == "hd")
            texml = f"{endpoint.url}/texml" + (f"?band={band}" if band else "")
            if self._person is None:
                control_id = await simulator.dial_in(caller, to, texml, who)
            else:
                await self._person.pick_up(simulator.running, caller, {})
                control_id = await self._person.dial({"from": caller, "to": to, "texml_url": texml, **who})
            self._followed.adopt_placed(control_id)
            return
        to = order.to or environment.SIM_CALLEE
        self._output.begin(f"calling {words.number(to)}", self._plan.services)
        who = order.caller.order()
        if self._person is not None and simulator is not None:
            await self._person.pick_up(simulator.running, to, who)
        elif who and simulator is not None:
            await simulator.answer_at(to, who)
        call = await self._client.dial(
            api.DialRequest(
                to=to, from_=order.from_ or None, band=band, line=environment.dialled_line(order.line), who=WHO
            )
        )
        self._followed.adopt(call)

    async def _watch(self) -> None:
        """Fail as soon as the agent is gone, since nothing more will come."""
        raise CallFailed(await self._supervisor.agent.ended())

    async def _watch_sound(self, person: Person) -> None:
        await person.gone()
        raise CallFailed("Without sound the call cannot go on.")

    async def _judge(self) -> int:
        state = self._followed.state
        assert state is not None
        report: Report | None = None
        simulator = self._simulator()
        if simulator is not None and state.call_control_id:
            report = await simulator.report(state.call_control_id, _REPORT_S)
        for warning in report.warnings if report is not None else ():
            self._output.detail(warning)
        for finding in report.findings if report is not None else ():
            self._output.detail(f"{finding.what} {finding.fix}")
        reason = verdict.failure(state, report)
        if reason:
            self._output.failed(reason)
            return 1
        self._output.passed(verdict.summary(state, report))
        return 0

    async def _hang_up(self) -> bool:
        """End our call; returns whether there was one."""
        state = self._followed.state
        if state is None or not state.live:
            return False
        with contextlib.suppress(AgentError):
            await self._client.hang_up(state.id, WHO)
        return True

    async def _clear_faults(self) -> None:
        """Leave none for the next call, where the simulator stays."""
        simulator = self._simulator()
        if self._order.stt_faults and simulator is not None:
            with contextlib.suppress(SimulatorError):
                await simulator.clear_faults()

    def _simulator(self) -> Simulator | None:
        process = self._supervisor.simulator
        if self._plan.services["line"] != "SIM" or process is None or process.running is None:
            return None
        return Simulator(process.running, self._http)

    def _check(self, health: api.Health) -> None:
        """A running agent may use other services than were asked for; a live line must never be a surprise."""
        asked = {"line": self._plan.services["line"], **dict.fromkeys(self._order.simulated, "SIM")}
        if self._order.stt_faults:
            asked["stt"] = "SIM"
        for service, mode in asked.items():
            if health.services.get(service) != mode:
                raise CallFailed(
                    f"The agent that runs already uses {service} {health.services.get(service)}, not {mode}: "
                    "stop it with `sidetone stop` or leave the console, then try again."
                )
        if self._plan.framework not in ("", health.framework):
            raise CallFailed(
                f"The agent that runs already is on {health.framework}, not {self._plan.framework}: "
                "stop it with `sidetone stop` or leave the console, then try again."
            )


def _ignore(_state: ProcessState) -> None:
    """Nobody watches the processes while one call is made."""


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first failure itself; the others are its consequences."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def run(order: CallOrder, output: CallOutput) -> int:
    """Make the call; returns the exit status."""
    try:
        return asyncio.run(CallRun(order, output).run())
    except environment.PlanError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        output.close()
