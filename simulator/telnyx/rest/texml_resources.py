"""TeXML's call, stream and recording resources. Pure.

Source: Telnyx API reference, "Fetch a call", "Fetch multiple call resources", "Start streaming media from a call".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.webhooks.texml_wire import ended_status

_ANSWERED_BY: Final = {
    "human": "human",
    "human_residence": "human",
    "human_business": "human",
    "machine": "machine",
}
_PRICE_PER_MINUTE: Final = 0.007


def call_resource(leg: CallLeg, account_sid: str) -> dict[str, Any]:
    """Dates are RFC 2822; `duration` in seconds and `price` are strings."""
    facts = leg.facts
    seconds = duration_seconds(leg)
    return {
        "sid": leg.id,
        "account_sid": account_sid,
        "from": facts.from_number,
        "to": facts.to_number,
        "from_formatted": formatted(facts.from_number),
        "to_formatted": formatted(facts.to_number),
        "direction": "inbound" if facts.direction == "incoming" else "outbound",
        "status": status(leg),
        "answered_by": None if leg.detected is None else _ANSWERED_BY.get(leg.detected, "not_sure"),
        "caller_name": facts.caller_name or facts.from_number,
        "duration": str(seconds),
        "price": f"{-(-seconds // 60) * _PRICE_PER_MINUTE:.4f}",
        "price_unit": "USD",
        "date_created": format_datetime(facts.started_at),
        "date_updated": format_datetime(leg.ended_at or leg.answered_at or facts.started_at),
        "start_time": _moment(leg.answered_at),
        "end_time": _moment(leg.ended_at),
        "uri": uri(leg, account_sid, ".json"),
    }


def status(leg: CallLeg) -> str:
    if leg.hangup is None:
        return "in-progress" if leg.is_answered else "ringing"
    return ended_status(leg.hangup)


def stream_resource(
    leg: CallLeg, account_sid: str, sid: str, name: str, state: str, now: datetime
) -> dict[str, Any]:
    """`state` is `in-progress` or `stopped`."""
    return {
        "account_sid": account_sid,
        "call_sid": leg.id,
        "sid": sid,
        "name": name,
        "status": state,
        "date_updated": now.isoformat(),
        "uri": uri(leg, account_sid, f"/Streams/{sid}.json"),
    }


def page_of(items: Sequence[Any], page: int, page_size: int, path: str) -> tuple[Sequence[Any], dict[str, Any]]:
    """The items of one page, counted from 0, and what the answer says of the page.

    `start` and `end` are the first and last index in it.
    """
    first = page * page_size
    shown = items[first : first + page_size]
    more = first + page_size < len(items)
    return shown, {
        "page": page,
        "page_size": page_size,
        "start": first,
        "end": first + len(shown) - 1 if shown else first,
        "uri": f"{path}?Page={page}&PageSize={page_size}",
        "first_page_uri": f"{path}?Page=0&PageSize={page_size}",
        "next_page_uri": f"{path}?Page={page + 1}&PageSize={page_size}" if more else None,
    }


def duration_seconds(leg: CallLeg) -> int:
    if leg.answered_at is None or leg.ended_at is None:
        return 0
    return int((leg.ended_at - leg.answered_at).total_seconds())


def formatted(number: str) -> str:
    """A North American number as people write it; any other as it is."""
    if len(number) == 12 and number.startswith("+1"):
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return number


def uri(leg: CallLeg, account_sid: str, rest: str) -> str:
    return f"/v2/texml/Accounts/{account_sid}/Calls/{leg.id}{rest}"


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else format_datetime(moment)
