"""The trunk itself: it listens, tells what a message is about, and keeps the calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from functools import partial
from typing import Final

from aiortp import PortAllocator
from aiosipua import IncomingCall, SdpMessage, SipRequest, SipResponse, parse_sdp

from simulator.sip.admission import Admission, Admitted
from simulator.sip.answering import Answering
from simulator.sip.answers import SERVER, Refused, reason_of, refused_in_sip
from simulator.sip.calling import Calling
from simulator.sip.client import Client
from simulator.sip.digest import Challenges
from simulator.sip.offers import NoCommonCodec, chosen
from simulator.sip.server import Server
from simulator.sip.sip_call import Endpoint, SipCall
from simulator.sip.transferring import hand_over
from simulator.sip.trunk_stream import TrunkStream
from simulator.sip.wire import Address, Protocol, Wire
from simulator.telnyx.calls.exchange import Exchange, ExchangeFull, Order
from simulator.telnyx.calls.incoming import routing_of
from simulator.telnyx.calls.leg import CallLeg, Flow
from simulator.telnyx.calls.sip_target import SipTarget
from simulator.telnyx.findings import Findings
from simulator.telnyx.webhooks.announce import ControlAnnouncer
from simulator.telnyx.webhooks.conformance import noting

log = logging.getLogger(__name__)

_PROTOCOLS: Final[tuple[Protocol, ...]] = ("udp", "tcp")
_RTP_PORTS: Final = (16_384, 32_768)
"""Telnyx's (sip.telnyx.com, "Network configuration")."""
_GOODBYE_SECONDS: Final = 1.0
_FULL: Final = Refused(503)
_NOT_YET: Final = Refused(500, headers=(("Retry-After", "1"),))


class Trunk:
    """`media` makes the audio of legs that it carries."""

    media = TrunkStream

    def __init__(self, exchange: Exchange, host: str, port: int) -> None:
        """`port` 0 takes one that is free."""
        self._exchange = exchange
        self._host = host
        self._port = port
        self._admission = Admission(
            exchange.facilities.account, Challenges(), lambda connection: len(exchange.legs_of(connection))
        )
        self._admitted: dict[str, Admitted] = {}
        self._endpoints: dict[Protocol, Endpoint] = {}
        self._calls: dict[str, SipCall] = {}
        self._watching: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """``host:port``, as an outbound trunk of LiveKit takes it."""
        return f"{self._host}:{self._port}"

    async def start(self) -> None:
        """Raises OSError."""
        if self._port == 0:
            self._port = _free_port(self._host)
        ports = PortAllocator(_RTP_PORTS)
        for protocol in _PROTOCOLS:
            wire = Wire(protocol, (self._host, self._port), partial(self._gate, protocol))
            client = Client(wire, self._responded)
            # An answer is repeated until it is acknowledged whatever it goes over (RFC 3261, 13.3.1.4).
            server = Server(wire, user_agent=SERVER, uac=client, retransmit_2xx=True)
            endpoint = Endpoint(wire, server, client, ports)
            server.on_invite = partial(self._invited, endpoint)
            server.on_reinvite = self._renegotiated
            server.on_update = self._updated
            server.on_bye = self._left
            server.on_refer = self._referred
            server.on_cancel = self._cancelled
            server.on_ack_timeout = self._lost
            await server.start()
            self._endpoints[protocol] = endpoint

    async def stop(self) -> None:
        """Every leg must be over."""
        if self._watching:
            await asyncio.wait(self._watching, timeout=_GOODBYE_SECONDS)
        for task in self._watching:
            task.cancel()
        for endpoint in self._endpoints.values():
            with contextlib.suppress(OSError):
                await endpoint.server.stop()

    def calling(self, target: SipTarget) -> Flow:
        """What happens on a leg that the trunk takes to `target`."""
        call = Calling(self._endpoints[target.transport], target, self._keep, self._over)

        async def flow(leg: CallLeg) -> None:
            self._watch(call, leg)
            await call.flow(leg)

        return flow

    def _gate(self, protocol: Protocol, request: SipRequest, addr: Address) -> SipResponse | None:
        """Answers an INVITE that is neither a call of the account nor within one."""
        # The server comes with the same call at once, or refuses it itself.
        self._admitted = {}
        call_id, to = request.call_id or "", request.to_addr
        if to is not None and to.tag:
            refused = self._no_dialog(protocol, call_id)
            return None if refused is None else refused.response(request)
        decided = self._decide(request, call_id, addr[0])
        if isinstance(decided, Refused):
            if decided.status != 407:
                log.info(
                    "A SIP call was refused: %s %s.", decided.status, decided.reason or reason_of(decided.status)
                )
            return decided.response(request)
        self._admitted[call_id] = decided
        return None

    def _no_dialog(self, protocol: Protocol, call_id: str) -> Refused | None:
        """Why there cannot be a re-INVITE now (RFC 3261, 12.2.2 and 14.2)."""
        call = self._calls.get(call_id)
        if call is None or call.endpoint.wire.protocol != protocol:
            return Refused(481)
        return None if call.leg is not None and call.leg.is_answered else _NOT_YET

    def _decide(self, request: SipRequest, call_id: str, source: str) -> Admitted | Refused:
        required = ", ".join(request.headers.get("require"))
        if required:
            return Refused(420, headers=(("Unsupported", required),))
        if call_id in self._calls:
            return Refused(482)
        try:
            self._exchange.check_room()
        except ExchangeFull:
            return _FULL
        decided = self._admission.admit(request, source)
        if isinstance(decided, Admitted):
            preset = self._exchange.preset_at(decided.to_number)
            if preset is not None and preset.refusal is not None:
                return refused_in_sip(preset.refusal)
        return decided

    def _invited(self, endpoint: Endpoint, call: IncomingCall) -> None:
        admitted = self._admitted.pop(call.call_id, None)
        offer = call.sdp_offer
        try:
            if admitted is None or offer is None:
                raise NoCommonCodec("An INVITE without an offer is not taken.")
            codec = chosen(offer)
        except NoCommonCodec as error:
            log.info("A SIP call was refused: %s", error)
            self._refuse(endpoint, call, 488)
            return
        answerer = self._exchange.answerer_at(admitted.to_number, codec)
        codec = chosen(offer, (answerer.party.codec,))
        ringback = admitted.outbound.generate_ringback_tone
        sip = Answering(endpoint, call, offer, codec, self._over, ringback=ringback)
        findings = Findings()
        application = admitted.application
        facilities = self._exchange.facilities
        announcer = ControlAnnouncer(
            facilities.webhooks, routing_of(application), application.call_cost_in_webhooks, noting(findings)
        )
        order = Order(
            direction="outgoing",
            connection_id=application.id,
            from_number=admitted.from_number,
            to_number=admitted.to_number,
            caller_name=admitted.caller_name,
            tags=application.tags,
            faults=answerer.faults,
            record_to=answerer.record_to,
            findings=findings,
            media=TrunkStream,
        )

        async def flow(leg: CallLeg) -> None:
            await sip.flow(leg, answerer)

        try:
            leg = self._exchange.start(order, answerer.party, announcer, flow)
        except ExchangeFull:
            self._refuse(endpoint, call, 503)
            return
        self._keep(sip)
        self._watch(sip, leg)

    def _refuse(self, endpoint: Endpoint, call: IncomingCall, status: int) -> None:
        endpoint.wire.send_reply(Refused(status).response(call.invite))
        endpoint.server.forget(call)

    def _keep(self, call: SipCall) -> None:
        self._calls[call.call_id] = call

    def _watch(self, call: SipCall, leg: CallLeg) -> None:
        call.leg = leg
        task = asyncio.create_task(call.see_out(leg))
        self._watching.add(task)
        task.add_done_callback(self._watched)

    def _watched(self, task: asyncio.Task[None]) -> None:
        self._watching.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("The end of a SIP call failed.", exc_info=error)

    def _over(self, call: SipCall) -> None:
        self._calls.pop(call.call_id, None)
        endpoint = call.endpoint
        endpoint.wire.headers.pop(call.call_id, None)
        known = endpoint.server.get_call(call.call_id)
        if known is not None:
            endpoint.server.forget(known)
        endpoint.client.remove_call(call.call_id)

    def _responded(self, response: SipResponse) -> None:
        call = self._calls.get(response.call_id or "")
        if isinstance(call, Calling):
            call.responded(response)

    def _left(self, incoming: IncomingCall, request: SipRequest) -> None:
        call = self._calls.get(incoming.call_id)
        if call is not None:
            call.left()

    def _referred(self, referred: IncomingCall, refer_to: str) -> None:
        call = self._calls.get(referred.call_id)
        if call is not None and call.leg is not None:
            call.leg.spawn(hand_over(self._exchange, call, referred, refer_to))

    def _cancelled(self, request: SipRequest, addr: Address) -> None:
        call = self._calls.get(request.call_id or "")
        if isinstance(call, Answering):
            call.cancelled()

    def _lost(self, incoming: IncomingCall) -> None:
        call = self._calls.get(incoming.call_id)
        if call is not None:
            call.lost()

    def _renegotiated(self, incoming: IncomingCall) -> None:
        """A re-INVITE. One without an offer is answered with an offer of what holds (RFC 3261, 14.2)."""
        call = self._calls.get(incoming.call_id)
        if call is None:
            return
        offer = incoming.sdp_offer if incoming.invite.body else None
        try:
            answer = call.as_it_is() if offer is None else call.renegotiate(offer)
        except NoCommonCodec:
            # The call goes on as before.
            call.endpoint.wire.send_reply(Refused(488).response(incoming.invite))
            return
        incoming.accept(answer)

    def _updated(self, incoming: IncomingCall, request: SipRequest) -> SdpMessage | None:
        call = self._calls.get(incoming.call_id)
        if call is None or not request.body:
            return None
        try:
            return call.renegotiate(parse_sdp(request.text))
        except NoCommonCodec:
            return None


def _free_port(host: str) -> int:
    """A port that is free for UDP and TCP."""
    for _ in range(100):
        with socket.create_server((host, 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            port: int = tcp.getsockname()[1]
            with contextlib.suppress(OSError):
                udp.bind((host, port))
                return port
    raise OSError("no port is free for both UDP and TCP")
