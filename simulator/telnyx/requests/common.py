"""Parameters that many requests share, and what a checked command is. Pure.

Source: command schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189 (`types/calls`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from simulator.telnyx.errors import Code
from simulator.telnyx.facts import Header
from simulator.telnyx.requests.fields import (
    Anything,
    Base64,
    Choice,
    Dictionary,
    Either,
    Flag,
    Kind,
    Many,
    Number,
    Object,
    Text,
    Whole,
)
from simulator.telnyx.requests.numbers import DTMF_DIGITS, DTMF_WANTED, MAX_DIGITS

OrderT = TypeVar("OrderT", covariant=True)

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

CLIENT_STATE: Final = Base64()
COMMAND_ID: Final = Text(limit=255)
EVERY_COMMAND: Final[dict[str, Kind]] = {"client_state": CLIENT_STATE, "command_id": COMMAND_ID}

CUSTOM_HEADERS: Final = Many(Object({"name": Text(), "value": Text()}, required=("name", "value")))
SIP_HEADERS: Final = Many(
    Object({"name": Choice("User-to-User"), "value": Text()}, required=("name", "value")),
)
DISPLAY_NAME: Final = Text(limit=128)
BILLING_GROUP_ID: Final = Text(code=Code.INVALID_ID, pattern=_UUID, wanted="a UUID")
PARK: Final = Choice("self")
"""`park_after_unbridge`."""
TIMEOUT_SECS: Final = Whole(5, 600)
TIME_LIMIT_SECS: Final = Whole(30, 14_400)
FILE_NAME: Final = Text(limit=40, least=1)
JSON_OBJECT: Final = Dictionary(Anything())
LOOP: Final = Either(
    "an integer or the string infinity",
    Whole(1, 100, code=Code.LOOP),
    Choice("infinity", *(str(times) for times in range(1, 101)), code=Code.LOOP),
)
STOP: Final = Choice("all", "current", "overlay", code=Code.STOP)
SEND_DIGITS: Final = Text(limit=MAX_DIGITS, least=1, code=Code.DIGITS, pattern=DTMF_DIGITS, wanted=DTMF_WANTED)
SOUND_MODIFICATIONS: Final = Object(
    {"octaves": Number(-1, 1), "pitch": Number(0), "semitone": Number(-14, 14), "track": Text()}
)
DEEPFAKE_DETECTION: Final = Object(
    {"enabled": Flag(), "rtp_timeout": Whole(5, 120), "timeout": Whole(5, 60)}, required=("enabled",)
)
DIALOGFLOW_CONFIG: Final = Object({"analyze_sentiment": Flag(), "partial_automated_agent_reply": Flag()})
SIP_REGION: Final = Choice("US", "Europe", "Canada", "Australia", "Middle East")
SIP_TRANSPORT: Final = Choice("UDP", "TCP", "TLS")
MEDIA_ENCRYPTION: Final = Choice("disabled", "SRTP", "DTLS")
SUPERVISOR_ROLE: Final = Choice("barge", "whisper", "monitor")
MUTE_DTMF: Final = Choice("none", "both", "self", "opposite")


@dataclass(frozen=True, slots=True)
class Command(Generic[OrderT]):
    """A checked call command. `order` is what the simulator does for it; None: it is accepted and has no effect.

    `ignored` are parameters without effect here, `unknown` those that Telnyx does not know.
    """

    name: str
    order: OrderT | None
    client_state: str | None
    command_id: str | None
    ignored: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def _no_order(_values: Mapping[str, Any]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class CommandSpec(Generic[OrderT]):
    """What one call command takes. `order` turns the `honoured` parameters of `table` into what is done; `method`
    is that of the request."""

    table: Object
    order: Callable[[Mapping[str, Any]], OrderT | None] = _no_order
    honoured: frozenset[str] = frozenset()
    method: str = "POST"

    def parse(self, name: str, body: Mapping[str, Any]) -> Command[OrderT]:
        """Raises TelnyxError with the pointer of the first parameter at fault."""
        values = self.table.read(body)
        return Command(
            name=name,
            order=self.order(values),
            client_state=values.get("client_state"),
            command_id=values.get("command_id"),
            ignored=without_effect(values, self.honoured | EVERY_COMMAND.keys()),
            unknown=tuple(self.table.unknown(body)),
        )


def without_effect(values: Mapping[str, Any], honoured: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in values if name not in honoured))


def command_table(kinds: Mapping[str, Kind], **more: Any) -> Object:
    """An `Object` that also takes what every command takes; `more` as for `Object`."""
    return Object({**kinds, **EVERY_COMMAND}, **more)


def headers(values: Mapping[str, Any], name: str) -> tuple[Header, ...]:
    return tuple(Header(header["name"], header["value"]) for header in values.get(name, ()))


def loops(values: Mapping[str, Any]) -> int | None:
    """How often something is played; None: until stopped."""
    loop = values.get("loop", 1)
    return None if loop == "infinity" else int(loop)
