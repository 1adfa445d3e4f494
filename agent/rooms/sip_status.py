"""What the SIP status of a failed call over a Telnyx trunk means, and what to do about it. Pure.

Statuses are RFC 3261's; Telnyx ends its reason phrases with codes of its own, such as D35
(developers.telnyx.com/docs/voice/sip-trunking/troubleshooting/response-codes, support.telnyx.com article 4409457).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.events import CallEnded

_CODE = re.compile(r"\bD\d{1,2}\b")
_STATUS_IN_TEXT = re.compile(r"sip status: (\d{3})(?:: ([^\r\n]*))?")


@dataclass(frozen=True, slots=True)
class SipFailure:
    """Why a call did not come about. ``cause`` is in the words of Telnyx's ``hangup_cause``, ``source`` as in
    :class:`agent.events.CallEnded`; ``sip`` is status and reason, empty when there was no SIP answer; ``what`` is
    one sentence, ``fix`` what to do, empty when nothing is to be done."""

    cause: str
    source: str
    sip: str
    what: str
    fix: str = ""

    @property
    def detail(self) -> str:
        return f"{self.what} {self.fix}".strip()

    def ended(self) -> CallEnded:
        """The same as the end of a call that nobody answered."""
        return CallEnded(cause=self.cause, source=self.source, duration_ms=0, sip=self.sip, detail=self.detail)


# status → cause, who ended it, what happened, what to do
_STATUSES: dict[int, tuple[str, str, str, str]] = {
    400: ("invalid_call", "carrier", "The trunk found the call request malformed", "Check both numbers' format."),
    401: ("call_rejected", "carrier", "The trunk did not accept the user and password", "_auth"),
    402: ("call_rejected", "carrier", "The trunk wants a payment first", "Check the account's balance."),
    403: ("call_rejected", "carrier", "The trunk does not allow this call", "_forbidden"),
    404: ("not_found", "carrier", "The number does not exist, or there is no route to it", "Check the number."),
    407: ("call_rejected", "carrier", "The trunk did not accept the user and password", "_auth"),
    408: ("timeout", "callee", "Nobody answered in time", ""),
    410: ("not_found", "carrier", "The number is no longer in use", "Check the number."),
    480: ("no_answer", "callee", "The callee cannot be reached now, or did not answer", ""),
    484: ("invalid_number", "carrier", "The number is incomplete", "Write it as +15550100123."),
    486: ("user_busy", "callee", "The callee is busy", ""),
    487: ("originator_cancel", "agent", "The call was given up before an answer", ""),
    488: ("media_failed", "carrier", "The other side takes none of the offered codecs", "_codec"),
    600: ("user_busy", "callee", "The callee is busy", ""),
    603: ("call_rejected", "callee", "The callee declined", ""),
    604: ("not_found", "carrier", "The number does not exist", "Check the number."),
    606: ("media_failed", "carrier", "The other side takes none of the offered codecs", "_codec"),
    607: ("call_rejected", "callee", "The callee does not want calls from this number", ""),
    608: (
        "call_rejected",
        "carrier",
        "A call filter on the way rejected the call",
        "Check the number's reputation.",
    ),
}
_FIXES = {
    "_auth": "Check the user and password of the outbound trunk against those of the SIP connection at Telnyx.",
    "_forbidden": "Check the outbound voice profile, the caller id and the account at Telnyx.",
    "_codec": "Allow G.711 (PCMU or PCMA) or G.722 on the trunk and on the SIP connection.",
}

_PROFILE = "Assign an outbound voice profile to the SIP connection at Telnyx."
_VERIFY = "Verify the account at Telnyx, or call a number that is verified there."
_ACTIVE = "Check at Telnyx that the SIP connection, its outbound voice profile and the account are active."
_AUTH = "Check user, password and settings of the SIP connection at Telnyx, and X-Telnyx-Username on the trunk."
_TELNYX: dict[int, tuple[str, str]] = {
    1: ("the account has as many calls up as it may", "End some, or raise the channel limit at Telnyx."),
    2: ("the outbound voice profile has as many calls up as it may", "End some, or raise the profile's limit."),
    3: ("the SIP connection has as many calls up as it may", "End some, or raise the connection's limit."),
    7: ("the SIP connection has no outbound voice profile", _PROFILE),
    10: ("the request has a header that Telnyx reserves for itself", "Remove it from the trunk's headers."),
    11: ("the destination number is invalid", "Write it in E.164, as +15550100123."),
    12: ("the service plan does not cover the destination", "Change the plan of the outbound voice profile."),
    13: (
        "the destination's country is not allowed",
        "Allow it in the outbound voice profile's destinations at Telnyx; by default only the US and Canada are.",
    ),
    18: ("the SIP connection is not active", "Enable it at Telnyx."),
    19: ("the account is blocked", "Check its balance and payment method at Telnyx."),
    21: ("the number has no destination", "Check the number's SIP connection or forwarding at Telnyx."),
    22: ("a channel limit is reached", "Check the channels of the number, the connection and the profile."),
    24: (
        "the destination costs more a minute than the profile allows",
        "Raise the outbound voice profile's maximum rate at Telnyx.",
    ),
    30: ("the SIP address is invalid", "Check the SIP connection's address and subdomain."),
    31: ("the SIP subdomain is invalid", "Check the SIP connection's address and subdomain."),
    35: ("the caller id is not a valid number", "Dial from a number of the account, in E.164."),
    36: ("the caller id belongs to another account", "Dial from a number of this account."),
    38: ("the SIP connection has no outbound voice profile", _PROFILE),
    40: ("there is no route to the destination", "Check the number, or ask Telnyx."),
    51: ("the number is not verified", _VERIFY),
    60: ("the account may only call verified numbers", _VERIFY),
    61: ("the account may only call verified numbers", _VERIFY),
}


def telnyx_code(reason: str) -> str:
    """Telnyx's own code in a reason phrase, such as D35, or empty."""
    found = _CODE.findall(reason)
    return found[-1] if found else ""


def status_in(text: str) -> tuple[int, str]:
    """Status and reason in the text of a LiveKit error, such as ``INVITE failed: sip status: 486: Busy Here``;
    0 when there is none (livekit/sip ``pkg/sip/outbound.go``)."""
    found = _STATUS_IN_TEXT.search(text)
    return (int(found[1]), (found[2] or "").strip()) if found else (0, "")


def explain(status: int, reason: str = "") -> SipFailure:
    """What a final SIP answer other than 2xx says of a call that we dialled. ``reason`` is its reason phrase."""
    code = telnyx_code(reason)
    sip = f"{status} {reason}".strip()
    cause, source, what, fix = _STATUSES.get(status) or _class_of(status)
    if code:
        known = _telnyx(int(code[1:]))
        what, fix = f"Telnyx refused the call ({code}): {known[0]}", known[1]
        cause, source = ("call_rejected", "carrier") if source == "callee" else (cause, "carrier")
    return SipFailure(cause, source, sip, f"{what} (SIP {sip}).", _FIXES.get(fix, fix))


def no_answer(ring_s: int) -> SipFailure:
    """The call rang for ``ring_s`` seconds and was given up without a SIP answer."""
    return SipFailure("no_answer", "agent", "", f"Nobody answered within {ring_s} s.")


def _telnyx(code: int) -> tuple[str, str]:
    known = _TELNYX.get(code)
    if known is not None:
        return known
    if 10 <= code <= 17:
        return "the connection, its profile or the account is disabled", _ACTIVE
    if 25 <= code <= 29:
        return "the SIP connection could not be authenticated", _AUTH
    return "see Telnyx's list of SIP response codes", f"Look D{code} up there."


def _class_of(status: int) -> tuple[str, str, str, str]:
    if status >= 600:
        return "call_rejected", "callee", "The callee does not take the call", ""
    if status >= 500:
        return "carrier_error", "carrier", "The trunk could not complete the call", "Try again, or see its status."
    return (
        "call_rejected",
        "carrier",
        "The trunk refused the call",
        "Check the trunk, the numbers and the account.",
    )
