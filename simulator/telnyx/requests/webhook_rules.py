"""Where a command wants the call's webhooks: `webhook_url`, `webhook_urls`, `webhook_retries_policies`. Pure.

Source: operation DialCall of Telnyx's OpenAPI document; "API error codes" (90057).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.requests.fields import (
    Address,
    Choice,
    Dictionary,
    Kind,
    Many,
    Object,
    OneOrMany,
    Whole,
    below,
)

MAX_RETRY_MS: Final = 60_000
"""All pauses of one policy together."""

_EVENT_TYPES = """
    call.ai_gather.ended call.ai_gather.message_history_updated call.ai_gather.partial_results call.analyzed
    call.answered call.bridged call.conversation.created call.conversation.ended call.conversation.start_failed
    call.conversation_insights.generated call.cost call.deepfake_detection.error call.deepfake_detection.result
    call.dequeued call.dtmf.received call.enqueued call.fork.started call.fork.stopped call.gather.ended
    call.hangup call.hold call.initiated call.machine.detection.ended call.machine.greeting.ended
    call.machine.premium.call_screening.detected call.machine.premium.detection.ended
    call.machine.premium.detection.started call.machine.premium.greeting.ended call.payment.completed
    call.payment.progress call.playback.ended call.playback.started call.recording.error call.recording.saved
    call.recording.transcription.saved call.refer.completed call.refer.failed call.refer.started call.speak.ended
    call.speak.started call.transcription call.unhold siprec.failed siprec.started siprec.stopped streaming.failed
    streaming.started streaming.stopped
"""
EVENT_TYPES: Final = frozenset(_EVENT_TYPES.split())
# Telnyx's own example of webhook_urls has the key call.bridge, which no event is named after.
_ACCEPTED: Final = EVENT_TYPES | {"call.bridge"}


def _known_events(values: Mapping[str, Any], pointer: str) -> None:
    for event in values.get("webhook_urls", ()):
        if event not in _ACCEPTED:
            detail = "The keys of webhook_urls must be call control event types, such as call.hangup."
            raise TelnyxError(Code.WEBHOOK_EVENT, detail, below(pointer, "webhook_urls"))


def _bounded_retries(values: Mapping[str, Any], pointer: str) -> None:
    for event, policy in values.get("webhook_retries_policies", {}).items():
        if sum(policy.get("retries_ms", ())) > MAX_RETRY_MS:
            at = below(below(below(pointer, "webhook_retries_policies"), event), "retries_ms")
            detail = f"The pauses of retries_ms must not exceed {MAX_RETRY_MS} ms together."
            raise TelnyxError(Code.OUT_OF_RANGE, detail, at)


WEBHOOK_KINDS: Final[dict[str, Kind]] = {
    "webhook_url": Address(),
    "webhook_url_method": Choice("POST", "GET"),
    "webhook_urls": Dictionary(OneOrMany(Address())),
    "webhook_urls_method": Choice("POST", "GET"),
    "webhook_retries_policies": Dictionary(Object({"retries_ms": Many(Whole(0, MAX_RETRY_MS), most=5)})),
}
WEBHOOK_CHECKS: Final = (_known_events, _bounded_retries)


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """What a command overrides of its application's webhooks; None: not this.

    `event_urls` by event type go before `url`. `retries_ms` by event type are pauses in milliseconds.
    """

    url: str | None = None
    method: Literal["GET", "POST"] | None = None
    event_urls: Mapping[str, tuple[str, ...]] | None = None
    event_method: Literal["GET", "POST"] | None = None
    retries_ms: Mapping[str, tuple[int, ...]] | None = None


def webhook_rules(values: Mapping[str, Any]) -> WebhookRules:
    urls, policies = values.get("webhook_urls"), values.get("webhook_retries_policies")
    return WebhookRules(
        url=values.get("webhook_url"),
        method=values.get("webhook_url_method"),
        event_urls=None if urls is None else {event: tuple(each) for event, each in urls.items()},
        event_method=values.get("webhook_urls_method"),
        retries_ms=None
        if policies is None
        else {event: tuple(policy.get("retries_ms", ())) for event, policy in policies.items()},
    )
