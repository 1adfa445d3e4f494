"""One transport of the trunk: what aiosipua's transports and its agents leave to each other.

Between them it does what RFC 3261 asks of transactions: a request that comes again is answered again (17.2),
answers go back where the request came from (18.2.2, RFC 3581), messages over UDP are repeated, and requests say
which transport they use. What cannot be understood is counted, and answered where that is possible.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Literal

from aiosipua import SipRequest, SipResponse, SipTransport

from simulator.sip.answers import ALLOW, SERVER, bad_request
from simulator.sip.repeats import Key, Repeats
from simulator.sip.tcp import TcpTransport
from simulator.sip.udp import UdpTransport

log = logging.getLogger(__name__)

Protocol = Literal["udp", "tcp"]
Address = tuple[str, int]

_MOST_REQUESTS: Final = 4000
"""Requests whose answers are kept, so that they can be given again."""

Gate = Callable[[SipRequest, Address], SipResponse | None]


class Wire(SipTransport):
    """Carries messages between an aiosipua transport and the agents, who set `on_message`.

    `gate` sees each INVITE before they do; a response that it returns is given in their place. `unreadable` counts
    messages that could be read but not understood.
    """

    def __init__(self, protocol: Protocol, address: Address, gate: Gate) -> None:
        super().__init__(local_addr=address)
        self.protocol: Protocol = protocol
        self.unreadable = 0
        self.headers: dict[str, tuple[tuple[str, str], ...]] = {}
        """What is added to the answers of a call, by its Call-ID."""
        self._gate = gate
        self._tcp = TcpTransport(local_addr=address) if protocol == "tcp" else None
        self._inner: SipTransport = self._tcp or UdpTransport(local_addr=address)
        self._inner.on_message = self._received
        self._repeats = Repeats()
        self._requests: OrderedDict[Key, tuple[Address, SipResponse | None]] = OrderedDict()

    async def start(self) -> None:
        """Raises OSError."""
        await self._inner.start()

    async def stop(self) -> None:
        self._repeats.close()
        await self._inner.stop()

    async def connect(self, address: Address) -> None:
        """Be ready to send requests to `address`. Raises OSError."""
        if self._tcp is not None:
            await self._tcp.connect(address)

    def send(self, message: SipRequest | SipResponse, addr: Address) -> None:
        if isinstance(message, SipResponse):
            self._transmit(message, addr)
            return
        self._name_transport(message)
        self._transmit(message, addr)
        if self._tcp is None and message.method != "ACK":
            longest = 16.0 if message.method == "INVITE" else 4.0
            self._repeats.add(_key(message), lambda: self._transmit(message, addr), up_to=longest)

    def send_reply(self, response: SipResponse) -> None:
        if response.status_code == 100:
            response.reason_phrase = "Telnyx Trying"
        elif response.status_code == 405:
            response.headers.set_single("Allow", ALLOW)
        response.headers.set_single("Server", SERVER)
        for name, value in self.headers.get(response.call_id or "", ()):
            response.headers.set_single(name, value)
        self._name_in_contact(response)
        key = _key(response)
        known = self._requests.get(key)
        if known is None:
            log.info("Nobody knows any more where a SIP answer is to go.")
            return
        source, _ = known
        self._requests[key] = (source, response)
        self._transmit(response, source)
        if self._tcp is None and key[1] == "INVITE" and response.status_code >= 300:
            self._repeats.add(key, lambda: self._transmit(response, source))

    def _received(self, message: SipRequest | SipResponse, addr: Address) -> None:
        try:
            if isinstance(message, SipRequest):
                self._request(message, addr)
            elif self.on_message is not None:
                if message.status_code >= 100:
                    self._repeats.settle(_key(message))
                self.on_message(message, addr)
        except Exception as error:
            self.unreadable += 1
            if self.unreadable == 1:
                # The text of the error may hold what was sent, and that may be a secret.
                log.warning("A SIP message over %s makes no sense (%s).", self.protocol, type(error).__name__)
            if isinstance(message, SipRequest) and message.method != "ACK" and message.headers.get("via"):
                self._transmit(bad_request(message), addr)

    def _request(self, request: SipRequest, addr: Address) -> None:
        key = _key(request)
        if request.method == "ACK":
            invite = (key[0], "INVITE")
            self._repeats.settle(invite)
            _, final = self._requests.get(invite, (addr, None))
            if final is not None and final.status_code >= 300:
                # It ends here (17.2.1): aiosipua would take it for that of the dialog's answer.
                return
        elif key in self._requests:
            _, answered = self._requests[key]
            if answered is not None:
                self._transmit(answered, addr)
            return
        else:
            self._requests[key] = (addr, None)
            if len(self._requests) > _MOST_REQUESTS:
                self._requests.popitem(last=False)
        # aiosipua reads the number wherever it needs it.
        if request.method != "ACK" and (request.cseq is None or request.cseq.method != request.method):
            self._transmit(bad_request(request), addr)
            return
        refused = self._gate(request, addr) if request.method == "INVITE" else None
        if refused is not None:
            self.send_reply(refused)
        elif self.on_message is not None:
            self.on_message(request, addr)

    def _transmit(self, message: SipRequest | SipResponse, addr: Address) -> None:
        try:
            self._inner.send(message, addr)
        except (RuntimeError, OSError, ValueError) as error:
            # The far end has gone; whoever waits for it runs into his own time limit.
            log.info("A SIP message could not be sent over %s: %s", self.protocol, error)

    def _name_transport(self, request: SipRequest) -> None:
        """aiosipua writes UDP into every Via, and no transport into Contact."""
        if self._tcp is None:
            return
        vias = request.headers.get("via")
        request.headers.remove("Via")
        for via in (vias[0].replace("SIP/2.0/UDP", "SIP/2.0/TCP", 1), *vias[1:]):
            request.headers.append("Via", via)
        self._name_in_contact(request)

    def _name_in_contact(self, message: SipRequest | SipResponse) -> None:
        contact = message.headers.get_first("contact")
        if self._tcp is not None and contact is not None and "transport=" not in contact:
            message.headers.set_single("Contact", contact.replace(">", ";transport=tcp>", 1))


def _key(message: SipRequest | SipResponse) -> Key:
    """Of a transaction: its branch and sent-by, and the method. Raises ValueError for a CSeq that is none."""
    via = message.via[0] if message.headers.get("via") else None
    method = message.method if isinstance(message, SipRequest) else (message.cseq.method if message.cseq else "")
    if via is None or via.branch is None:
        # Without a branch (RFC 2543) the call and its sequence number tell requests apart.
        return f"{message.call_id} {message.headers.get_first('cseq')}", method
    return f"{via.branch} {via.host}:{via.port}", method
