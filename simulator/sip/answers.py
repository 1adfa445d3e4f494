"""Final answers of the trunk, in Telnyx's words. Pure.

Source: traces of sip.telnyx.com (`100 Telnyx Trying`, `Server`, `Reason: Q.850`), Telnyx, "SIP Response Codes".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiosipua import SipRequest, SipResponse, create_dialog_from_request

from simulator.caller.refusal import Refusal
from simulator.telnyx.facts import Hangup, HangupCause

SERVER: Final = "Telnyx SIP Proxy"
ALLOW: Final = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, REFER, NOTIFY"

_REASONS: Final = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    420: "Bad Extension",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
}
_Q850: Final = {
    403: (21, "CALL_REJECTED"),
    404: (1, "UNALLOCATED_NUMBER"),
    480: (18, "NO_USER_RESPONSE"),
    486: (17, "USER_BUSY"),
    487: (31, "NORMAL_UNSPECIFIED"),
    488: (88, "INCOMPATIBLE_DESTINATION"),
    503: (41, "NORMAL_TEMPORARY_FAILURE"),
    603: (21, "CALL_REJECTED"),
}
_CAUSES: Final[dict[int, HangupCause]] = {
    403: "call_rejected",
    404: "not_found",
    408: "no_answer",
    410: "not_found",
    480: "no_answer",
    484: "not_found",
    486: "user_busy",
    487: "originator_cancel",
    600: "user_busy",
    603: "call_rejected",
    604: "not_found",
}
HUNG_UP: Final = 'Q.850;cause=16;text="NORMAL_CLEARING"'
"""Reason of a BYE."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An INVITE that Telnyx answers at once. `reason` as on the wire, with the D-code at its end."""

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def response(self, request: SipRequest) -> SipResponse:
        return response(request, self.status, self.reason, self.headers)


def response(
    request: SipRequest, status: int, reason: str = "", headers: tuple[tuple[str, str], ...] = ()
) -> SipResponse:
    """A final answer to a request that has no dialog yet."""
    answer = create_dialog_from_request(request).create_response(request, status, reason or reason_of(status))
    answer.headers.set_single("Allow", ALLOW)
    for name, value in (*headers, *q850(status)):
        answer.headers.set_single(name, value)
    return answer


def bad_request(request: SipRequest) -> SipResponse:
    """400, to a request whose headers cannot be trusted to make sense."""
    answer = SipResponse(status_code=400, reason_phrase=reason_of(400))
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        for value in request.headers.get(name):
            answer.headers.append(name, value)
    answer.headers.set_single("Server", SERVER)
    return answer


def reason_of(status: int) -> str:
    return _REASONS.get(status, "Unsuccessful")


def q850(status: int) -> tuple[tuple[str, str], ...]:
    """The Reason header of a final answer; none where no cause is known."""
    known = _Q850.get(status)
    return () if known is None else (("Reason", f'Q.850;cause={known[0]};text="{known[1]}"'),)


def status_of(hangup: Hangup) -> int:
    """What the caller is answered whose call ended so before anybody took it."""
    status = int(hangup.sip) if hangup.sip.isdecimal() else 0
    return status if 300 <= status <= 699 else 480


def hangup_of(status: int) -> Hangup:
    """How a call ends that its callee answered with `status`, 300 to 699."""
    source = "unknown" if 500 <= status <= 599 else "callee"
    return Hangup(_CAUSES.get(status, "unspecified"), source, str(status))


def refused_in_sip(refusal: Refusal) -> Refused:
    """What Telnyx answers an INVITE for the reason that would refuse a dial by REST.

    D19 is documented as a blocked account (billing); for the rate of calls no text is known.
    """
    if refusal.status == 403:
        return Refused(403, refusal.detail)
    if refusal.status == 402:
        return Refused(404, "The account is blocked D19")
    return Refused(503, "Calls per second limit exceeded")
