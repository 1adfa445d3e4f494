"""Telnyx Call Control through its own SDK: dial, hang up, and the check of what Telnyx sends us.

The SDK repeats a failed POST without any idempotency header (telnyx 4.189 ``_base_client.py``), which could
dial twice: so a dial is tried once and always carries a ``command_id``. Hanging up twice is harmless.
"""

from __future__ import annotations

import base64
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from agent.carriers import CarrierError, telnyx_sdk
from agent.carriers.line_codec import LineFormat

if TYPE_CHECKING:
    import telnyx

ALREADY_ENDED = "90018"
_TIMEOUT_S = 10.0
_SEEN_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class Placed:
    """The ids of a call that Telnyx took."""

    call_control_id: str
    call_leg_id: str
    call_session_id: str


@dataclass(frozen=True, slots=True)
class Dial:
    """What one dial needs. ``client_state`` comes back in every webhook of the call; ``media`` is asked for in
    both directions."""

    to: str
    from_: str
    connection_id: str
    stream_url: str
    webhook_url: str
    command_id: str
    client_state: str
    media: LineFormat
    ring_s: int
    time_limit_s: int


class Telnyx:
    """Telnyx's REST API for calls; ``connect`` first, since importing the SDK takes seconds."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self._base_url, self._api_key = base_url, api_key
        self._client: telnyx.AsyncTelnyx | None = None

    def connect(self) -> None:
        """Import the SDK and make the client; slow, for a thread of its own."""
        telnyx_sdk.prepare()
        import telnyx
        import telnyx.lib.webhook_verification

        client = telnyx.AsyncTelnyx(
            api_key=self._api_key, base_url=self._base_url, max_retries=0, timeout=_TIMEOUT_S
        )
        client.calls.actions  # noqa: B018 - the SDK imports a resource when it is first touched
        self._client = client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def dial(self, dial: Dial) -> Placed:
        """Place a call whose media go both ways over ``stream_url``.

        Raises:
            CarrierError: Telnyx refused it or could not be reached; it is not tried again.
        """
        try:
            answer = await self._calls.dial(
                connection_id=dial.connection_id,
                to=dial.to,
                from_=dial.from_,
                command_id=dial.command_id,
                client_state=encode_state(dial.client_state),
                webhook_url=dial.webhook_url,
                webhook_url_method="POST",
                stream_url=dial.stream_url,
                stream_track="inbound_track",
                stream_codec=dial.media.encoding,
                stream_bidirectional_mode="rtp",
                stream_bidirectional_codec=dial.media.encoding,
                stream_bidirectional_sampling_rate=dial.media.rate,
                stream_bidirectional_target_legs="self",
                timeout_secs=dial.ring_s,
                time_limit_secs=dial.time_limit_s,
            )
        except Exception as error:
            raise _explain(error, "could not place the call") from error
        data = answer.data
        if data is None:
            raise CarrierError("Telnyx took the call but named no id: look at the portal for it.")
        return Placed(data.call_control_id, data.call_leg_id, data.call_session_id)

    async def hang_up(self, call_control_id: str) -> bool:
        """End a call; False when it had ended already.

        Raises:
            CarrierError: Telnyx refused or could not be reached, so the call may still be up.
        """
        try:
            await self._calls.actions.hangup(call_control_id, command_id=f"hangup-{call_control_id[-32:]}")
        except Exception as error:
            explained = _explain(error, "could not hang up the call")
            if explained.code == ALREADY_ENDED:
                return False
            raise explained from error
        return True

    @property
    def _calls(self) -> Any:
        if self._client is None:
            raise CarrierError("The agent is still starting: try again in a moment.")
        return self._client.calls


def encode_state(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def decode_state(state: str | None) -> str:
    """The text of a ``client_state``; empty when there is none or it is not ours."""
    try:
        return base64.b64decode(state or "", validate=True).decode()
    except ValueError:
        return ""


def _explain(error: Exception, what: str) -> CarrierError:
    telnyx_sdk.prepare()
    import telnyx

    if isinstance(error, CarrierError):
        return error
    if isinstance(error, telnyx.APIStatusError):
        body = error.body if isinstance(error.body, dict) else {}
        listed = body.get("errors") or [{}]
        first = listed[0] if isinstance(listed, list) and isinstance(listed[0], dict) else {}
        code, title, detail = (str(first.get(key) or "") for key in ("code", "title", "detail"))
        text = detail or title or "no explanation"
        fix = "Check TELNYX_API_KEY." if error.status_code == 401 else ""
        return CarrierError(f"Telnyx {what}: {text} (HTTP {error.status_code}, {code or 'no code'}).", code, fix)
    if isinstance(error, telnyx.APITimeoutError):
        return CarrierError(
            f"Telnyx {what}: no answer within {_TIMEOUT_S:.0f} s.",
            fix="Look whether the call exists before you retry.",
        )
    if isinstance(error, telnyx.APIConnectionError):
        return CarrierError(f"Telnyx {what}: it cannot be reached.", fix="Check the network and TELNYX_BASE_URL.")
    return CarrierError(f"Telnyx {what}: {type(error).__name__}: {error}")


class WebhookPayload(msgspec.Struct):
    """The fields we use of a webhook's payload; production bodies carry more and sometimes fewer."""

    call_control_id: str = ""
    call_leg_id: str = ""
    call_session_id: str = ""
    client_state: str | None = None
    direction: str = ""
    from_: str = msgspec.field(name="from", default="")
    to: str = ""
    hangup_cause: str = ""
    hangup_source: str = ""
    sip_hangup_cause: str = ""
    failure_reason: str = ""


class WebhookData(msgspec.Struct):
    event_type: str
    id: str
    payload: WebhookPayload
    occurred_at: str = ""


class WebhookMeta(msgspec.Struct):
    attempt: int = 1


class Webhook(msgspec.Struct):
    """Telnyx's envelope."""

    data: WebhookData
    meta: WebhookMeta = msgspec.field(default_factory=WebhookMeta)


class BadWebhook(Exception):
    """A webhook that must not be believed; the text says why."""


def check_signature(body: bytes, headers: Mapping[str, str], public_key: str) -> int:
    """Check Telnyx's ed25519 signature over ``timestamp|body`` and its age; returns the age in milliseconds.

    Works for JSON webhooks and for TeXML's form bodies alike. Without a key nothing passes.

    Raises:
        BadWebhook: unsigned, wrongly signed, or more than 300 s from our clock.
    """
    telnyx_sdk.prepare()
    from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

    if not public_key:
        raise BadWebhook("TELNYX_PUBLIC_KEY is not set, so no signature can be checked")
    try:
        verify_webhook_signature(body, headers, public_key)
    except (WebhookVerificationError, UnicodeDecodeError) as error:
        raise BadWebhook(str(error)) from error
    return round((time.time() - int(headers["telnyx-timestamp"])) * 1000)


def parse_webhook(body: bytes) -> Webhook:
    """Read a checked webhook.

    Raises:
        BadWebhook: it is not Telnyx's envelope.
    """
    try:
        return msgspec.json.decode(body, type=Webhook)
    except msgspec.DecodeError as error:
        raise BadWebhook(f"not Telnyx's envelope: {error}") from error


class SeenEvents:
    """Which event ids came already: Telnyx delivers some twice, and at the same time."""

    def __init__(self, limit: int = _SEEN_EVENTS) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._limit = limit

    def again(self, event_id: str) -> bool:
        """Whether the id came before; from now on it has."""
        if event_id in self._seen:
            return True
        self._seen[event_id] = None
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)
        return False
