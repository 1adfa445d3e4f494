"""Taking, refusing and ending a call: answer, reject, hangup. Pure.

Source: the command schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from simulator.telnyx.errors import Code
from simulator.telnyx.facts import Header
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.requests.assistants import ASSISTANT
from simulator.telnyx.requests.common import (
    BILLING_GROUP_ID,
    CUSTOM_HEADERS,
    DEEPFAKE_DETECTION,
    SIP_HEADERS,
    SOUND_MODIFICATIONS,
    CommandSpec,
    command_table,
    headers,
)
from simulator.telnyx.requests.fields import Choice, Flag, Text
from simulator.telnyx.requests.recording import RECORD_KINDS, RecordOrder, record_from_answer
from simulator.telnyx.requests.relay import RELAY_CONFIG
from simulator.telnyx.requests.streaming import ANSWER_STREAM, stream_options
from simulator.telnyx.requests.transcription import (
    TRANSCRIPTION_CONFIG,
    StartTranscription,
    transcription_from_answer,
)
from simulator.telnyx.requests.webhook_rules import WEBHOOK_CHECKS, WEBHOOK_KINDS, WebhookRules, webhook_rules

RejectCause = Literal["CALL_REJECTED", "NOT_FOUND", "TEMPORARILY_UNAVAILABLE", "USER_BUSY"]

_REASON: Final = re.compile(r'[^"\\\x00-\x1f\x7f-\x9f\U00010000-\U0010ffff]*')
_SIP_OF_CAUSE: Final[dict[RejectCause, int]] = {
    "USER_BUSY": 486,
    "CALL_REJECTED": 603,
    "NOT_FOUND": 404,
    "TEMPORARILY_UNAVAILABLE": 480,
}


@dataclass(frozen=True, slots=True)
class Answer:
    webhooks: WebhookRules = field(default_factory=WebhookRules)
    stream: StreamOptions | None = None
    record: RecordOrder | None = None
    transcription: StartTranscription | None = None
    custom_headers: tuple[Header, ...] = ()
    sip_headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class Reject:
    cause: RejectCause

    @property
    def sip(self) -> int:
        """The SIP response that the caller receives."""
        return _SIP_OF_CAUSE[self.cause]


@dataclass(frozen=True, slots=True)
class HangUp:
    """`reason` goes into the SIP CANCEL of a leg that was not answered."""

    reason: str | None = None
    custom_headers: tuple[Header, ...] = ()


def _answer(values: Mapping[str, Any]) -> Answer:
    return Answer(
        webhooks=webhook_rules(values),
        stream=stream_options(values),
        record=record_from_answer(values),
        transcription=transcription_from_answer(values),
        custom_headers=headers(values, "custom_headers"),
        sip_headers=headers(values, "sip_headers"),
    )


_WITHOUT_EFFECT: Final = {
    "assistant": ASSISTANT,
    "billing_group_id": BILLING_GROUP_ID,
    "conversation_relay_config": RELAY_CONFIG,
    "deepfake_detection": DEEPFAKE_DETECTION,
    "preferred_codecs": Text(),
    "sound_modifications": SOUND_MODIFICATIONS,
}
_HONOURED: Final = {
    "custom_headers": CUSTOM_HEADERS,
    "sip_headers": SIP_HEADERS,
    "transcription": Flag(),
    "transcription_config": TRANSCRIPTION_CONFIG,
    **RECORD_KINDS,
    **ANSWER_STREAM,
    **WEBHOOK_KINDS,
}

ANSWER_COMMANDS: Final[dict[str, CommandSpec[Answer | Reject | HangUp]]] = {
    "answer": CommandSpec(
        command_table({**_WITHOUT_EFFECT, **_HONOURED}, rules=WEBHOOK_CHECKS), _answer, frozenset(_HONOURED)
    ),
    "reject": CommandSpec(
        command_table({"cause": Choice(*_SIP_OF_CAUSE)}, required=("cause",)),
        lambda values: Reject(values["cause"]),
        frozenset({"cause"}),
    ),
    "hangup": CommandSpec(
        command_table(
            {
                "custom_headers": CUSTOM_HEADERS,
                "reason": Text(
                    code=Code.INVALID_VALUE,
                    pattern=_REASON,
                    wanted="free of double quotes, backslashes, control characters and emoji",
                ),
            }
        ),
        lambda values: HangUp(values.get("reason"), headers(values, "custom_headers")),
        frozenset({"custom_headers", "reason"}),
    ),
}
