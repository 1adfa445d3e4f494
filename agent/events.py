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

from __future__ import annotations

from typing import Any, Literal, Union

import msgspec

Direction = Literal["inbound", "outbound"]


class Event(msgspec.Struct, kw_only=True, tag_field="type"):
    """The envelope every event carries; the journal fills it in when the event is appended."""

    seq: int = 0
    at: str = ""
    mono: int = 0
    call: str = ""


class AgentStarting(Event, tag="agent.starting"):
    """The agent process begins to start. ``services`` maps line, stt, llm and tts to SIM or LIVE."""

    version: str
    pid: int
    framework: str
    definition: str
    services: dict[str, str]


class AgentReady(Event, tag="agent.ready"):
    """The agent listens and takes calls. ``startup_ms`` counts from the start of its process."""

    host: str
    port: int
    startup_ms: int


class AgentLog(Event, tag="agent.log"):
    """A warning or error line of the agent's own log or of a library inside it, cut to 500 characters."""

    level: str
    logger: str
    message: str


class AgentStopped(Event, tag="agent.stopped"):
    """The agent ends in an orderly way; it is the last event of a run."""

    reason: str


class AgentCrashed(Event, tag="agent.crashed"):
    """Written by the next run when the journal shows that the one before it ended without agent.stopped."""

    detail: str


class CallInitiated(Event, tag="call.initiated"):
    """A call begins: we are about to dial, or the carrier asked for TeXML for an incoming call.

    ``from`` and ``to`` are E.164 numbers as the carrier or the operator gave them. ``parameters`` are the
    custom parameters that reach the prompt.
    """

    direction: Direction
    from_: str = msgspec.field(name="from")
    to: str
    framework: str = ""
    parameters: dict[str, str] = {}


class CallPlaced(Event, tag="call.placed"):
    """The carrier took the call and named it: the ids of its dial answer, or of its TeXML request."""

    call_control_id: str
    call_leg_id: str = ""
    call_session_id: str = ""
    took_ms: int = 0


class CallRinging(Event, tag="call.ringing"):
    """The carrier's call.initiated webhook arrived for a call that we dialled."""


class CallAnswered(Event, tag="call.answered"):
    """The other side picked up: Telnyx's call.answered webhook, or the first media of an incoming call."""


class CallDtmf(Event, tag="call.dtmf"):
    """A key the caller pressed, from the media stream's dtmf message."""

    digit: str


class CallEnded(Event, tag="call.ended"):
    """The call is over; it is the last event of a call.

    ``cause`` is Telnyx's ``hangup_cause`` where its webhook told it, else one of ours: ``dial_failed``,
    ``agent_hangup``, ``operator_hangup``, ``media_lost``, ``agent_lost``, ``agent_stopped``.
    ``source`` is who ended it: caller, callee, agent, operator, carrier or unknown. ``sip`` is the SIP status
    as the carrier wrote it. ``duration_ms`` counts from the answer, 0 if nobody answered. ``detail`` is empty
    when the conversation simply was over, else one sentence about what went wrong.
    """

    cause: str
    source: str
    duration_ms: int
    sip: str = ""
    detail: str = ""


class WebhookReceived(Event, tag="webhook.received"):
    """A webhook with a good signature. ``age_ms`` is its signed time against our clock (whole seconds at
    the source). A duplicate is acknowledged and otherwise ignored."""

    event_type: str
    event_id: str
    age_ms: int
    attempt: int = 1
    duplicate: bool = False


class WebhookRejected(Event, tag="webhook.rejected"):
    """A webhook or TeXML request that was refused; nothing in its body was believed."""

    route: str
    reason: str


class MediaStarted(Event, tag="media.started"):
    """The media WebSocket's start message: what the line sends, ``sample_rate`` in hertz being that of the audio.

    ``asked`` is what we asked for and go on to send, such as ``G722 16000 Hz``, where the line sends another.
    """

    stream_id: str
    encoding: str
    sample_rate: int
    asked: str = ""


class MediaStopped(Event, tag="media.stopped"):
    """The media WebSocket is over. ``reason`` is stop, closed, refused or a close code in words."""

    reason: str


class MediaStats(Event, tag="media.stats"):
    """Once a second while media flows; every count is since the start of the stream.

    ``rx`` and ``tx`` are frames of 20 ms. ``gaps`` are missing chunks by the carrier's own numbering, ``late``
    are frames that came more than 20 ms after their time. ``jitter_ms`` is RFC 3550's smoothed estimate.
    ``queue_ms`` is the audio sent and not yet played by the carrier, from its mark messages. ``refused``
    counts messages that were not valid.
    """

    rx: int
    tx: int
    gaps: int
    late: int
    jitter_ms: int
    queue_ms: int
    refused: int = 0


class MediaLevel(Event, tag="media.level"):
    """Loudness of the last 100 ms in dBFS (0 is full scale, -90 is silence). Sent live, never stored."""

    caller: int
    agent: int


class MediaCleared(Event, tag="media.cleared"):
    """We told the carrier to drop the audio it had not yet played (``clear``), because of a barge-in."""

    dropped_ms: int


class SttOpened(Event, tag="stt.opened"):
    """The tap connected upstream. ``parameters`` is the query the framework asked for, without any key."""

    session: int
    parameters: dict[str, str]


class SttBegin(Event, tag="stt.begin"):
    """AssemblyAI's Begin, untouched: its session is open and names its model and mode."""

    session: int
    message: dict[str, Any]


class SttSpeechStarted(Event, tag="stt.speech_started"):
    """AssemblyAI's SpeechStarted, untouched; its timestamp is milliseconds of audio time."""

    session: int
    message: dict[str, Any]


class SttTurn(Event, tag="stt.turn"):
    """AssemblyAI's Turn, untouched: partial or final. A later one with the same ``session`` and
    ``turn_order`` replaces it. Word times are milliseconds of audio time; ``audio_ms`` is how much audio had
    been sent to this session when it came."""

    session: int
    message: dict[str, Any]
    audio_ms: int = 0


class SttIgnored(Event, tag="stt.ignored"):
    """Parameters that change nothing in this session, by name, each with the reason: AssemblyAI ignores unknown
    ones without a word, and its stand-in names those that it does not play."""

    session: int
    parameters: dict[str, str]


class SttTuned(Event, tag="stt.tuned"):
    """The live session was retuned: ``fields`` went out as UpdateConfiguration, or, with ``end_turn``, a
    ForceEndpoint. ``ignored`` names fields that the model's family does not honour, with the reason. ``who`` is
    the client, or agent when a new connection was given the values of the one before."""

    session: int
    who: str
    fields: dict[str, Any] = {}
    end_turn: bool = False
    ignored: dict[str, str] = {}


class SttSplit(Event, tag="stt.split"):
    """The connection broke in the middle of a turn. ``text`` is what had been understood of it; ``replayed_ms``
    is how much of its audio the new connection was given again, 0 where the rest is all that will be heard."""

    session: int
    text: str
    replayed_ms: int = 0


class SttSent(Event, tag="stt.sent"):
    """A text message from us to AssemblyAI, untouched: UpdateConfiguration, ForceEndpoint, Terminate…"""

    session: int
    message: dict[str, Any]


class SttOther(Event, tag="stt.other"):
    """Any other text message of AssemblyAI's (Warning, Heartbeat…), or text that is not a JSON object."""

    session: int
    message: dict[str, Any]


class SttTermination(Event, tag="stt.termination"):
    """AssemblyAI's Termination, untouched: the session ended as asked."""

    session: int
    message: dict[str, Any]


class SttError(Event, tag="stt.error"):
    """Speech recognition failed: AssemblyAI's Error frame, a refused connection, or a close without a word.

    ``code`` is AssemblyAI's error_code, the HTTP status of a refused upgrade, or the close code. ``final``
    says that no further try will be made, so the agent is deaf from here on.
    """

    session: int
    code: int
    text: str
    final: bool


class SttClosed(Event, tag="stt.closed"):
    """The connection to AssemblyAI is closed. ``by`` is service or agent."""

    session: int
    code: int
    reason: str
    by: str


class TurnUserStarted(Event, tag="turn.user_started"):
    """The caller began to speak, as the framework decided. ``turn`` counts the caller's turns from 1."""

    turn: int


class TurnUserStopped(Event, tag="turn.user_stopped"):
    """The caller's turn is over and goes to the LLM.

    ``text`` is what was understood. ``decided_by`` is assemblyai or vad, or hangup where the call was over before
    that and nobody answers. ``silence_ms`` is the time from the last voiced frame on the line to this decision.
    ``confidence`` is AssemblyAI's end_of_turn_confidence of the final message, or null where there was none.
    """

    turn: int
    text: str
    decided_by: str
    silence_ms: int
    confidence: float | None = None


class TurnAgentStarted(Event, tag="turn.agent_started"):
    """The first frame of an answer was handed to the line. ``turn`` is 0 for the greeting."""

    turn: int


class TurnAgentStopped(Event, tag="turn.agent_stopped"):
    """The answer was played to its end. ``text`` is all of it."""

    turn: int
    text: str
    audio_ms: int


class TurnInterrupted(Event, tag="turn.interrupted"):
    """The caller cut in. ``said`` is what had been generated, ``heard`` the part that the caller had heard.

    ``heard_ms`` is the audio that the carrier had played before the clear, measured with its mark messages.
    """

    turn: int
    said: str
    heard: str
    heard_ms: int


class TurnLatency(Event, tag="turn.latency"):
    """How long the caller waited for the answer to ``turn``: from the last voiced frame that came from the
    line to the first frame of the answer that went to it. The parts add up to the total::

        end_of_turn      last voiced caller frame → the turn was declared over
        llm_first_token  → the first token of the text that was spoken (tool calls included)
        tts_first_audio  → the first audio from the TTS
        first_media      → the first media message to the line
    """

    turn: int
    total_ms: int
    parts: dict[str, int]


class LlmRequest(Event, tag="llm.request"):
    """A request to the LLM with ``messages`` messages of context."""

    turn: int
    model: str
    messages: int


class LlmFirstToken(Event, tag="llm.first_token"):
    """The first text token of an LLM answer."""

    turn: int
    took_ms: int


class LlmDone(Event, tag="llm.done"):
    """An LLM answer is complete; token counts are null where the service did not report them."""

    turn: int
    text: str
    took_ms: int
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class ToolCalled(Event, tag="tool.called"):
    """The LLM called a tool of the agent definition."""

    turn: int
    tool_call_id: str
    name: str
    arguments: dict[str, Any]


class ToolReturned(Event, tag="tool.returned"):
    """A tool came back. ``summary`` is one short line for people; ``ok`` is false when it failed."""

    turn: int
    tool_call_id: str
    name: str
    ok: bool
    summary: str
    took_ms: int


class TtsRequest(Event, tag="tts.request"):
    """Text handed to the TTS, usually one sentence of an answer."""

    turn: int
    text: str


class TtsFirstAudio(Event, tag="tts.first_audio"):
    """The first audio of an answer arrived from the TTS, ``took_ms`` after its first text was sent."""

    turn: int
    took_ms: int


class TtsDone(Event, tag="tts.done"):
    """The TTS delivered all audio of an answer: ``audio_ms`` of it."""

    turn: int
    audio_ms: int


class OperatorActed(Event, tag="operator.acted"):
    """Somebody did something through the API: ``action`` is dial, hangup, stop…; ``who`` is the client."""

    who: str
    action: str
    detail: str = ""


class Error(Event, tag="error"):
    """Something failed. ``where`` is line, stt, llm, tts, tool, webhook, media, journal or agent; ``message``
    says what happened in one sentence, ``fix`` what to do about it."""

    where: str
    message: str
    fix: str = ""
    code: str = ""


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
