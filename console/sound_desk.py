"""The operator's ears, voice and softphone: what the keys order of the sound process, and what is ordered again
when that was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from agent import events
from agent.events import Event
from console.client import AgentClient, Endpoint
from console.environment import SIM_NUMBER, SIM_PHONE
from console.sound import protocol
from console.sound.protocol import Configure, Order, Report
from console.sound_state import Ears, Played, SoundState
from console.store import Store

Speaking = Literal["nobody", "caller", "agent"]

_WIDEBAND = "G722"
_ANSWER_S = 6.0
"""Whoever takes a call over must not find themselves in it long after they have given up."""
_PAUSES_S = (1.0, 2.0, 5.0, 15.0)

R = TypeVar("R", bound=Report)


class Port(Protocol):
    """A :class:`console.sound_link.SoundLink`."""

    @property
    def running(self) -> bool: ...

    def send(self, order: Order) -> None: ...

    async def ask(self, order: Order, answer: type[R], within_s: float = 20.0) -> R: ...

    async def close(self) -> None: ...


Connect = Callable[[Configure, Callable[[Report], object], Callable[[], object]], Port]
"""Makes a port that tells reports and new starts of the process."""


@dataclass(slots=True)
class Telephone:
    """The softphone: its ``number``, who it calls, and its ``line`` as
    :meth:`console.caller.Caller.order` says it: codec, faults, noise. ``target`` is the address of a bot, as
    texml_url or stream_url; empty for the agent."""

    number: str = SIM_PHONE
    to: str = SIM_NUMBER
    line: dict[str, Any] = field(default_factory=dict[str, Any])
    target: dict[str, str] = field(default_factory=dict[str, str])


class NoSound(Exception):
    """It cannot be heard or spoken here: one sentence that says what to do."""


class SoundDesk:
    """One console's. ``connect`` is called at the first need; ``simulator`` says where the simulator is."""

    def __init__(
        self,
        store: Store,
        client: AgentClient,
        configured: Callable[[], Configure],
        connect: Connect,
        simulator: Callable[[], Awaitable[Endpoint]],
    ) -> None:
        self.softphone = Telephone()
        self._store, self._client, self._connect, self._simulator = store, client, connect, simulator
        self._configured = configured
        self._configure: Configure | None = None
        self._port: Port | None = None
        self._registered: protocol.OpenPhone | None = None
        self._listening: protocol.Listen | None = None
        self._speaking: protocol.Speak | None = None
        self._deaths = 0
        self._again: asyncio.TimerHandle | None = None

    @property
    def state(self) -> SoundState:
        return self._store.sound

    @property
    def configure(self) -> Configure:
        """How the sound process is configured.

        Raises:
            NoSound: the settings make no sense.
        """
        if self._configure is None:
            try:
                self._configure = self._configured()
            except ValueError as error:
                raise NoSound(str(error)) from error
        return self._configure

    def change(self, **changes: Any) -> None:
        """Use another device, or treat the echo otherwise: fields of :class:`console.sound.protocol.Configure`.

        Raises:
            NoSound: the settings make no sense.
        """
        self._configure = msgspec.structs.replace(self.configure, **changes)
        self.send(self._configure)

    def send(self, order: Order) -> None:
        """Order something that needs no remembering.

        Raises:
            NoSound: the settings of the sound process make no sense.
        """
        self._open().send(order)

    async def devices(self) -> protocol.Devices:
        """The devices as the sound process sees them now.

        Raises:
            NoSound: there is no sound process, or none that answers.
        """
        return await self._ask(protocol.ListDevices(), protocol.Devices)

    async def need_microphone(self) -> None:
        """Return once there is a microphone.

        Raises:
            NoSound: there is none.
        """
        found = self.state.devices or await self.devices()
        lost = self.state.lost.get("microphone")
        if not found.microphone or (lost is not None and lost.state in ("lost", "missing")):
            found = await self.devices()
        if not found.microphone:
            problem = found.problem or "There is no microphone."
            raise NoSound(f"{problem} {found.fix or 'S chooses one.'}")

    async def need_speaker(self) -> None:
        """Return once there is a speaker.

        Raises:
            NoSound: there is none.
        """
        found = self.state.devices
        if found is None or not found.speaker:
            found = await self.devices()
        if not found.speaker:
            raise NoSound(f"{found.problem or 'There is no speaker.'} {found.fix or 'S chooses one.'}")

    async def listen(self, call: str, ears: Literal["mix", "split"] = "mix") -> None:
        """Play ``call``, and no other any more.

        Raises:
            AgentError, NoSound.
        """
        endpoint = await self._client.endpoint()
        before = self._listening
        if before is not None and before.call != call:
            self.unlisten()
        known = self._store.calls.get(call)
        order = protocol.Listen(
            url=endpoint.url,
            token=endpoint.token,
            call=call,
            who=self._store.operator,
            line="livekit" if known is not None and known.state.line == "livekit" else "telnyx",
            ears=ears,
        )
        self.send(order)
        self._listening = order
        heard = self.state.ears
        self.state.ears = Ears(call, ears, open=heard is not None and heard.call == call and heard.open)

    def unlisten(self) -> None:
        """Listen to nothing, and speak to nobody."""
        if self._listening is not None:
            self.send(protocol.Unlisten(call=self._listening.call))
        self._listening = self.state.ears = None
        self._speak_to(None)

    async def speak(self, call: str, to: Speaking) -> None:
        """Send the microphone somewhere in ``call``, which is listened to from then on.

        Raises:
            AgentError, NoSound.
        """
        if to != "nobody":
            await self.need_microphone()
        if self._listening is None or self._listening.call != call:
            if to == "nobody":
                return
            await self.listen(call)
        order = protocol.Speak(call=call, to=to)
        self.send(order)
        self._speak_to(order)

    async def open_phone(self) -> None:
        """Register the softphone with the simulator, so that it can call and be called.

        Raises:
            NoSound: there is no simulator, or no sound process.
        """
        found = await self._simulator()
        phone = self.softphone
        order = protocol.OpenPhone(url=found.url, token=found.token, number=phone.number, order=phone.line)
        if order == self._registered and self.state.phone.state not in ("off",):
            return
        self.send(order)
        self._registered = order

    async def dial(self, band: str) -> None:
        """Call the agent from the softphone, as any caller does.

        Raises:
            AgentError, NoSound.
        """
        await self.open_phone()
        phone = self.softphone
        target: Mapping[str, Any] = phone.target
        if not target:
            agent = await self._client.endpoint()
            target = {"texml_url": f"{agent.url}/texml" + (f"?band={band}" if band else "")}
        codec = {"codec": _WIDEBAND} if band == "hd" else {}
        self.send(protocol.Dial(order={"from": phone.number, "to": phone.to, **target, **codec, **phone.line}))

    def hold(self, on: bool) -> None:
        """The softphone sends silence, or the microphone again."""
        self.send(protocol.Hold(on=on))
        self.state.phone.muted = on

    def press(self, digit: str) -> None:
        """A key of the softphone."""
        self.send(protocol.Key(digit=digit))
        self.state.phone.keys.append(("out", digit))

    async def play(self, call: str) -> None:
        """Play the recording of ``call`` from its beginning.

        Raises:
            AgentError, NoSound.
        """
        found = await self._client.recording_of(call)
        self.send(protocol.Play(url=found.url, token=found.token))
        self.state.played = Played(call)

    def stop_playing(self) -> None:
        if self.state.played is not None:
            self.send(protocol.StopPlaying())
            self.state.played = None

    def happened(self, event: Event) -> None:
        """An event of a call: when it is over, or the agent has it again whoever gave it back, the microphone must
        not stay open."""
        if isinstance(event, events.CallEnded):
            if self._listening is not None and self._listening.call == event.call:
                self.unlisten()
        elif isinstance(event, events.OperatorHandedBack) and self.state.held == event.call:
            self._close_microphone(event.call)

    def settle(self) -> None:
        """The agent told anew what is: events may have been missed."""
        calls, listening, held = self._store.calls, self._listening, self.state.held
        if listening is not None and (listening.call not in calls or not calls[listening.call].state.live):
            self.unlisten()
        elif held and calls[held].state.desk.held_by != self._store.operator:
            self._close_microphone(held)

    async def simulator_up(self) -> None:
        """Register a softphone that was open with the new simulator.

        Raises:
            NoSound: there is no simulator, or no sound process.
        """
        if self._registered is not None:
            await self.open_phone()

    async def close(self) -> None:
        """End the sound process."""
        if self._again is not None:
            self._again.cancel()
        port, self._port = self._port, None
        if port is not None:
            await port.close()

    def _close_microphone(self, call: str) -> None:
        self.send(protocol.Speak(call=call, to="nobody"))
        self._speak_to(None)

    def _speak_to(self, order: protocol.Speak | None) -> None:
        self._speaking = order if order is not None and order.to != "nobody" else None
        to, call = (order.to, order.call) if order is not None else ("nobody", "")
        self.state.held = call if to == "caller" else ""
        self.state.whispered = call if to == "agent" else ""

    async def _ask(self, order: Order, answer: type[R]) -> R:
        from console.sound_link import SoundError

        try:
            return await self._open().ask(order, answer, _ANSWER_S)
        except SoundError as error:
            raise NoSound(f"{error} {error.fix}".strip()) from error

    def _open(self) -> Port:
        if self._port is None:
            self._port = self._connect(self.configure, self._hear, self._restarted)
        return self._port

    def _hear(self, report: Report) -> None:
        told = self.state.feed(report)
        if told:
            bad = isinstance(report, protocol.Trouble) or bool(self.state.lost)
            self._store.tell("error" if bad else "info", told)
        if isinstance(report, protocol.Trouble):
            # The process is only known to be gone once its last report has been told.
            asyncio.get_running_loop().call_soon(self._look_for_end, report)
        elif isinstance(report, protocol.Ready) and self._deaths:
            self._store.tell("info", "The sound process is up again.")
        elif isinstance(report, protocol.Counters):
            self._deaths = 0

    def _look_for_end(self, trouble: protocol.Trouble) -> None:
        if self._port is None or self._port.running:
            return
        self.state.down(trouble.message, trouble.fix)
        if self._wanted():
            pause = _PAUSES_S[min(self._deaths, len(_PAUSES_S) - 1)]
            self._deaths += 1
            self._again = asyncio.get_running_loop().call_later(pause, self.start_again)

    def start_again(self) -> None:
        if self._port is not None and not self._port.running:
            self._port.send(protocol.ListDevices())

    def _restarted(self) -> None:
        """A new process has nothing open yet."""
        self.state.down()
        if self._port is not None:
            for order in self._wanted():
                self._port.send(order)

    def _wanted(self) -> list[Order]:
        return [order for order in (self._registered, self._listening, self._speaking) if order is not None]


def link(configure: Configure, tell: Callable[[Report], object], restarted: Callable[[], object]) -> Port:
    """Connects to a sound process of its own."""
    from agent import paths
    from console.sound_link import SoundLink

    return SoundLink(tell, configure, paths.data_dir(), restarted)
