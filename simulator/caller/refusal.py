"""Dials that Telnyx refuses at once, by the state of the account. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from simulator.telnyx.errors import Code, TelnyxError


@dataclass(frozen=True, slots=True)
class Refusal:
    """What `POST /v2/calls` answers instead of a call. `headers` go with the answer."""

    code: Code
    detail: str
    pointer: str | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def status(self) -> int:
        return self.code.status

    def error(self) -> TelnyxError:
        return TelnyxError(self.code, self.detail, self.pointer, dict(self.headers))


USER_CHANNELS: Final = Refusal(Code.USER_CHANNEL_LIMIT, "User channel limit exceeded D1")
COUNTRY: Final = Refusal(
    Code.NOT_AUTHORIZED, "Dialed number is not included in whitelisted countries D13", pointer="/to"
)
UNVERIFIED: Final = Refusal(Code.NOT_AUTHORIZED, "Unverified origination number D51", pointer="/from")
FUNDS: Final = Refusal(
    Code.INSUFFICIENT_FUNDS, "The balance of the account does not cover this call: add funds to it."
)
RATE: Final = Refusal(
    Code.TOO_MANY_REQUESTS,
    "You have exceeded the maximum number of allowed requests.",
    headers={"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"},
)
