"""The calls that the trunk places: aiosipua's client, with what RFC 3261 asks of one that it leaves out.

It does not acknowledge refusals (17.1.1.3), sends requests of a dialog to the number instead of the answerer's
Contact (12.1.2), and forgets a cancelled call before its last answer is there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from aiosipua import (
    CSeq,
    OutgoingCall,
    SipRequest,
    SipResponse,
    SipTransport,
    SipUAC,
    parse_sdp,
    stringify_cseq,
    stringify_uri,
)

_MOST_ENDED: Final = 1000

OnResponse = Callable[[SipResponse], None]


class Client(SipUAC):
    """`on_response` is told of every response to an INVITE, after what SIP asks for was done."""

    def __init__(self, transport: SipTransport, on_response: OnResponse) -> None:
        super().__init__(transport)
        self._on_response = on_response
        self._cancelled: OrderedDict[str, OutgoingCall] = OrderedDict()
        self._refused: OrderedDict[str, SipRequest] = OrderedDict()

    def handle_response(self, response: SipResponse, addr: tuple[str, int]) -> None:
        call_id, cseq = response.call_id or "", response.cseq
        if cseq is None or cseq.method != "INVITE":
            super().handle_response(response, addr)
            return
        call = self.get_call(call_id)
        if response.status_code >= 300:
            self._acknowledge(call_id, call or self._cancelled.get(call_id), response, addr)
        elif response.status_code >= 200:
            cancelled = self._cancelled.pop(call_id, None)
            if call is None and cancelled is not None:
                self._hang_up_crossed(cancelled, response, addr)
                return
            if call is not None:
                _follow_contact(call, response)
                _leave_out_nonsense(response)
        super().handle_response(response, addr)
        if call is not None:
            self._on_response(response)

    def give_up(self, call: OutgoingCall) -> None:
        """Cancel a call that is not answered yet."""
        self._cancelled[call.call_id] = call
        if len(self._cancelled) > _MOST_ENDED:
            self._cancelled.popitem(last=False)
        self.send_cancel(call)

    def _acknowledge(
        self, call_id: str, call: OutgoingCall | None, response: SipResponse, addr: tuple[str, int]
    ) -> None:
        """A refusal, also when it comes again."""
        if call is not None:
            self._refused[call_id] = call.invite
            if len(self._refused) > _MOST_ENDED:
                self._refused.popitem(last=False)
        invite = self._refused.get(call_id)
        if invite is not None:
            self.transport.send(_acknowledgement(invite, response), addr)

    def _hang_up_crossed(self, call: OutgoingCall, response: SipResponse, addr: tuple[str, int]) -> None:
        """It was answered while our CANCEL was on its way."""
        _follow_contact(call, response)
        _leave_out_nonsense(response)
        # aiosipua acknowledges answers to calls that it knows.
        self._calls[call.call_id] = call
        super().handle_response(response, addr)
        self.remove_call(call.call_id)
        host, port = self.transport.local_addr
        self.transport.send(call.dialog.create_request("BYE", via_host=host, via_port=port), addr)


def _follow_contact(call: OutgoingCall, response: SipResponse) -> None:
    contact = response.contact
    if contact:
        call.dialog.remote_target = stringify_uri(contact[0].uri)
    call.dialog.route_set = list(reversed(response.headers.get("record-route")))


def _leave_out_nonsense(response: SipResponse) -> None:
    """An answer must be acknowledged whatever its description: one that nobody can read is none."""
    try:
        parse_sdp(response.text)
    except ValueError:
        response.body = b""


def _acknowledgement(invite: SipRequest, response: SipResponse) -> SipRequest:
    """The ACK of a refusal, in the transaction of the INVITE."""
    ack = SipRequest(method="ACK", uri=invite.uri)
    ack.headers.append("Via", invite.headers.get_first("via") or "")
    for name, source in (("From", invite), ("To", response), ("Call-ID", invite)):
        ack.headers.set_single(name, source.headers.get_first(name) or "")
    sequence = invite.cseq.seq if invite.cseq is not None else 1
    ack.headers.set_single("CSeq", stringify_cseq(CSeq(sequence, "ACK")))
    ack.headers.set_single("Max-Forwards", "70")
    return ack
