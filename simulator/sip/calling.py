"""A call that Telnyx brings to a SIP address: somebody dials a number, and the trunk invites who answers there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from aiosipua import DialogState, OutgoingCall, SipResponse

from simulator.addresses import is_loopback
from simulator.sip.answers import ALLOW, SERVER, hangup_of
from simulator.sip.digest import REALM
from simulator.sip.offers import NoCommonCodec, agreed, offered
from simulator.sip.rtp import NoPort
from simulator.sip.sip_call import Endpoint, SipCall, identifying
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.calls.sip_target import SipTarget
from simulator.telnyx.facts import Hangup
from simulator.telnyx.happenings import Ringing
from simulator.telnyx.media.options import Codec

_UNREACHABLE: Final = Hangup("unspecified", "unknown", "503")
_SILENT: Final = Hangup("no_answer", "callee", "408")
_PATIENCE_OVER: Final = Hangup("timeout", "caller", "487")
_INCOMPATIBLE: Final = Hangup("unspecified", "callee", "488")
_CODECS: Final[tuple[Codec, ...]] = ("PCMU", "PCMA", "G722")


class Calling(SipCall):
    def __init__(
        self,
        endpoint: Endpoint,
        target: SipTarget,
        on_begun: Callable[[SipCall], None],
        on_over: Callable[[SipCall], None],
    ) -> None:
        """`on_begun` is told as soon as the call has a Call-ID."""
        super().__init__(endpoint, on_over)
        self._target = target
        self._on_begun = on_begun
        self._call: OutgoingCall | None = None
        self._heard = asyncio.Event()
        self._answered = asyncio.Event()

    async def flow(self, leg: CallLeg) -> None:
        """The life of the leg."""
        target, endpoint = self._target, self.endpoint
        stream = self.stream_of(leg)
        stream.facts |= {"transport": endpoint.wire.protocol, "address": f"{target.host}:{target.port}"}
        try:
            async with asyncio.timeout(target.first_answer_seconds):
                self.remote = await _loopback(target)
                await stream.open(endpoint.host, endpoint.ports)
                await endpoint.wire.connect(self.remote)
        except (OSError, NoPort, ValueError) as error:
            leg.warn(f"Nobody was called at {target.host}:{target.port}: {str(error) or 'it took too long.'}")
            leg.hang_up(_UNREACHABLE)
            return
        if leg.hangup is not None:
            return
        self._invite(leg)
        stream.facts["call_id"] = self.call_id
        try:
            async with asyncio.timeout(target.first_answer_seconds):
                await self._heard.wait()
        except TimeoutError:
            leg.warn(f"Nothing answered the call at {target.host}:{target.port}.")
            leg.hang_up(_SILENT)
            return
        try:
            async with asyncio.timeout(target.answer_seconds):
                await self._answered.wait()
        except TimeoutError:
            leg.hang_up(_PATIENCE_OVER)

    def responded(self, response: SipResponse) -> None:
        """A response to our INVITE; refusals and answers are acknowledged already."""
        self._heard.set()
        leg, status = self.leg, response.status_code
        if leg is None or leg.hangup is not None or leg.is_answered:
            return
        stream = self.stream_of(leg)
        if status in (180, 183):
            stream.facts["status"] = status
            leg.tell(Ringing())
        elif 200 <= status <= 299:
            stream.facts["status"] = status
            self._take(leg)
        elif status >= 300:
            stream.facts |= {"status": status, "reason": response.reason_phrase[:200]}
            self.far_end_left = True
            leg.hang_up(hangup_of(status))

    def end(self, hangup: Hangup) -> None:
        call = self._call
        if call is not None and call.dialog.state is DialogState.EARLY:
            self.endpoint.client.give_up(call)
        super().end(hangup)

    def _take(self, leg: CallLeg) -> None:
        assert self._call is not None
        try:
            both = agreed(self._call.sdp_answer)
        except NoCommonCodec as error:
            leg.warn(str(error))
            leg.hang_up(_INCOMPATIBLE)
            return
        self._codec = both.codec
        self.stream_of(leg).agree(both)
        self._answered.set()
        leg.answer()

    def _invite(self, leg: CallLeg) -> None:
        target, endpoint, facts = self._target, self.endpoint, leg.facts
        own = leg.party.codec
        codecs = sorted(_CODECS, key=lambda codec: codec != own)
        offer = offered(codecs, endpoint.host, self.stream_of(leg).port, self.session)
        transport = ";transport=tcp" if endpoint.wire.protocol == "tcp" else ""
        call = endpoint.client.send_invite(
            f"sip:{target.shown_from(facts.from_number)}@{REALM}",
            f"sip:{target.shown_to(facts.to_number)}@{target.host}:{target.port}{transport}",
            self.remote,
            offer,
            # Without 100rel, which aiosipua would offer: the answer is looked for in the final response alone.
            extra_headers={**dict(identifying(facts)), "Allow": ALLOW, "Supported": ""},
            user_agent=SERVER,
        )
        self._call, self.dialog = call, call.dialog
        self._on_begun(self)


async def _loopback(target: SipTarget) -> tuple[str, int]:
    """The address that is called. Raises OSError, and ValueError for one that is not on this machine."""
    if is_loopback(target.host) and target.host != "localhost":
        return target.host, target.port
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    host = str(found[0][4][0])
    if not is_loopback(host):
        raise ValueError("the simulator calls addresses of this machine only.")
    return host, target.port
