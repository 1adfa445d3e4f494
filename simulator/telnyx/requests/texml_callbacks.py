"""The callback parameters of TeXML's REST paths. Pure.

Source: the TeXML REST schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189 (`types/texml`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.requests.fields import Address, Choice, Kind, Text, name_of

METHOD: Final = Choice("GET", "POST")


class Words:
    """Words separated by spaces, of which those of a fixed set count; the result is the set of them."""

    __slots__ = ("choices",)

    def __init__(self, *choices: str) -> None:
        self.choices = frozenset(choices)

    def read(self, value: Any, pointer: str) -> frozenset[str]:
        words = self.choices & frozenset(Text().read(value, pointer).split())
        if not words:
            detail = f"The '{name_of(pointer)}' parameter must be made of: {' '.join(sorted(self.choices))}."
            raise TelnyxError(Code.INVALID_ENUM, detail, pointer)
        return words


STATUS_CALLBACK_KINDS: Final[dict[str, Kind]] = {
    "StatusCallback": Address(),
    "StatusCallbackMethod": METHOD,
    "StatusCallbackEvent": Words("initiated", "ringing", "answered", "completed"),
}
RECORDING_CALLBACK_KINDS: Final[dict[str, Kind]] = {
    "RecordingStatusCallback": Address(),
    "RecordingStatusCallbackMethod": METHOD,
    "RecordingStatusCallbackEvent": Words("in-progress", "completed", "absent"),
}


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """What a request says of one callback. `url` None: the application's address.

    `events` of a call are initiated, ringing, answered, completed; of a recording in-progress, completed, absent.
    """

    url: str | None = None
    method: Literal["GET", "POST"] = "POST"
    events: frozenset[str] = frozenset({"completed"})


def status_callback(values: Mapping[str, Any]) -> CallbackRules:
    return _callback(values, "StatusCallback")


def recording_callback(values: Mapping[str, Any]) -> CallbackRules:
    return _callback(values, "RecordingStatusCallback")


def _callback(values: Mapping[str, Any], name: str) -> CallbackRules:
    rules = CallbackRules(values.get(name), values.get(f"{name}Method", "POST"))
    return replace(rules, events=values[f"{name}Event"]) if f"{name}Event" in values else rules
