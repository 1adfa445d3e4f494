"""The contract: everything that happens in a call, as one stream of small typed events.

An event is appended once to the journal and never changed. Screens, history, scenario checks and latency
figures are all readers of this stream. On the wire and in the journal an event is one flat JSON object::

    {"type":"turn.latency","seq":57,"at":"2026-11-21T17:04:31.123Z","mono":88123456789,"call":"c_7f3k2m9q",
     "turn":2,"total_ms":812,"parts":{"end_of_turn":180,"llm_first_token":310,"tts_first_audio":140,"first_media":182}}

``seq`` counts up from 1 over the whole journal; 0 marks an event that is only sent live and never stored.
``at`` is UTC wall time for people; ``mono`` is the agent's monotonic clock in nanoseconds, for arithmetic
between events of one agent run. ``call`` is our call id, or empty when the event belongs to no call.
Times and durations are whole milliseconds and end in ``_ms``. Unknown fields are ignored by readers and
unknown types arrive as :class:`Unknown`, so that an old console can watch a newer agent.
"""

# pyright: reportUnusedImport=false
from __future__ import annotations

from typing import Any, Union

import msgspec

from agent.event_families.agent import (
    AgentCrashed,
    AgentLog,
    AgentReady,
    AgentStarting,
    AgentStopped,
)
from agent.event_families.answer import (
    LlmDone,
    LlmFirstToken,
    LlmRequest,
    ToolCalled,
    ToolReturned,
    TtsDone,
    TtsFirstAudio,
    TtsRequest,
)
from agent.event_families.call import (
    CallAnswered,
    CallDtmf,
    CallEnded,
    CallInitiated,
    CallPlaced,
    CallRecording,
    CallRinging,
)
from agent.event_families.envelope import (
    Direction,
    Event,
)
from agent.event_families.error import (
    Error,
)
from agent.event_families.media import (
    MediaCleared,
    MediaLevel,
    MediaStarted,
    MediaStats,
    MediaStopped,
)
from agent.event_families.operator import (
    OperatorActed,
    OperatorHandedBack,
    OperatorListening,
    OperatorMuted,
    OperatorSaid,
    OperatorSpoke,
    OperatorTookOver,
    OperatorWhispered,
)
from agent.event_families.room import (
    RoomOpened,
    RoomParticipant,
    RoomSip,
    WorkerLoad,
    WorkerRefused,
    WorkerState,
)
from agent.event_families.stt import (
    SttBegin,
    SttClosed,
    SttError,
    SttIgnored,
    SttOpened,
    SttOther,
    SttSent,
    SttSpeechStarted,
    SttSplit,
    SttTermination,
    SttTuned,
    SttTurn,
)
from agent.event_families.turn import (
    TurnAgentStarted,
    TurnAgentStopped,
    TurnInterrupted,
    TurnLatency,
    TurnUserStarted,
    TurnUserStopped,
)
from agent.event_families.webhook import (
    WebhookReceived,
    WebhookRejected,
)


class Unknown(Event, tag="unknown"):
    """An event of a type that this version does not know, with its type and all its fields."""

    original: str
    fields: dict[str, Any]


class _Envelope(msgspec.Struct):
    type: str
    seq: int = 0
    at: str = ""
    mono: int = 0
    call: str = ""


KNOWN: dict[str, type[Event]] = {str(kind.__struct_config__.tag): kind for kind in Event.__subclasses__()}

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Union[tuple(KNOWN.values())])  # noqa: UP007
_envelopes = msgspec.json.Decoder(_Envelope)
_objects = msgspec.json.Decoder(dict[str, Any])


def encode(event: Event) -> bytes:
    """One event as one line of JSON, without a line end."""
    return _encoder.encode(event)


def type_of(event: Event) -> str:
    """The event's type, such as ``call.ended``."""
    return event.original if isinstance(event, Unknown) else str(type(event).__struct_config__.tag)


def decode(data: bytes | str) -> Event:
    """Read one event. A type that this version does not know becomes :class:`Unknown`.

    Raises:
        ValueError: it is not a JSON object with a type, or a known type with wrong fields.
    """
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        wrong = error
    try:
        envelope, fields = _envelopes.decode(data), _objects.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"not an event: {error}") from error
    if envelope.type in KNOWN:
        raise ValueError(f"not an event: {wrong}") from wrong
    return Unknown(
        seq=envelope.seq,
        at=envelope.at,
        mono=envelope.mono,
        call=envelope.call,
        original=envelope.type,
        fields={key: value for key, value in fields.items() if key not in _Envelope.__struct_fields__},
    )
