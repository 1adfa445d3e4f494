"""The table of what AssemblyAI's clients bear: one row per deviation, and what each client makes of it.

SDK: finals/SpeechStarted/Turns/Begin/Termination. Pipecat (AssemblyAI's turn detection): finals/proposed
starts/proposed stops/interims. LiveKit: finals/starts of speech/interims. Counts alone mean that the session ended
well; `dies` names the exception that ended the reading without a word to the user, `error` the close code that the
user was told, `gives up` that the client says it will hear nothing more, `waits` that ending took it five seconds,
`errs` the errors on the way there, `conns` the connections to the service where not one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from tests.clients.clients_house import STREAMING, Setup
from tests.clients.reference_house import Deviation, Message

Change = Callable[[Message], object]


@dataclass(frozen=True)
class Row:
    """One deviation; `tapped` says what differs where the session runs through the tap."""

    name: str
    deviation: Deviation
    sdk: str = "2/2/4/1/1"
    pipecat: str = "2/2/2/2"
    livekit: str = "2/2/4"
    tapped: dict[str, str] = field(default_factory=dict[str, str])
    setup: Setup = field(default_factory=Setup)

    def expected(self, client: str, *, tapped: bool) -> str:
        kind = "sdk" if client == "sdk_async" else client
        direct = {"sdk": self.sdk, "pipecat": self.pipecat, "livekit": self.livekit}[kind]
        return self.tapped.get(kind, direct) if tapped else direct


def _on(kind: str, change: Change) -> Change:
    return lambda message: change(message) if message["type"] == kind else message


def _put(**values: object) -> Callable[[Message], Message]:
    return lambda message: {**message, **values}


def _drop(*names: str) -> Change:
    return lambda message: {name: value for name, value in message.items() if name not in names}


def _words(change: Change) -> Callable[[Message], Message]:
    return lambda message: {**message, "words": [change(word) for word in message["words"]]}


def _partials(change: Change) -> Change:
    return lambda message: message if message["end_of_turn"] else change(message)


def _finals(change: Change) -> Change:
    return lambda message: change(message) if message["end_of_turn"] else message


def _instead(kind: str, what: object) -> Deviation:
    return Deviation(_on(kind, lambda _: what))


def _never(_message: Message) -> None:
    return None


def _turns(change: Change) -> Deviation:
    return Deviation(_on("Turn", change))


def _begins(change: Change) -> Deviation:
    return Deviation(_on("Begin", change))


def _ends(change: Change, *, left_open: bool = False) -> Deviation:
    return Deviation(_on("Termination", change), left_open=left_open)


def _float_start(word: Message) -> Message:
    return {**word, "start": word["start"] + 0.5}


def _refused_turns(name: str, change: Change, livekit: str = "2/2/4") -> Row:
    """Turns that are no valid ones for pydantic; LiveKit has no model of a message."""
    return Row(name, _turns(change), "0/1/0/1/0 dies ValidationError", "0/2/0/0 errs=4", livekit)


# The tap opens another session itself, and nobody is asked to start a turn again.
_MENDED = {"sdk": "2/2/5/1/1 conns=2", "pipecat": "2/2/2/3 conns=2", "livekit": "2/2/5 conns=2"}
# What cannot succeed is not tried again upstream, however often a client comes back.
_REFUSED_ONCE = {"pipecat": "0/0/0/0 errs=8 gives up", "livekit": "0/0/0 gives up"}
_HEARTBEAT = {
    "type": "Heartbeat",
    "total_audio_received_ms": 9888,
    "total_duration_ms": 10096,
    "realtime_factor": 0.9983,
    "max_speech_probability": 0.999999,
}
_EXPIRED = "Session Expired: Maximum session duration exceeded"
_CANCELLED = "Session Cancelled: An error occurred"
_KEY = "Unauthorized Connection: Invalid API key"
_INPUT = "User Input Validation Error: Invalid 'speech_model': Input should be 'universal-3-6-pro'"

ROWS: tuple[Row, ...] = (
    Row("baseline", Deviation()),
    Row("Begin: no configuration", _begins(_drop("configuration"))),
    Row("Begin: extra unknown field", _begins(_put(unheard_of=[1]))),
    Row("Begin: expires_at float", _begins(_put(expires_at=1795247505.7)), pipecat="2/2/2/2 errs=1"),
    Row(
        "Begin: expires_at ISO string", _begins(_put(expires_at="2026-11-21T12:00:00Z")), pipecat="2/2/2/2 errs=1"
    ),
    Row(
        "Begin: expires_at missing",
        _begins(_drop("expires_at")),
        sdk="0/0/0/0/0 dies ValidationError",
        pipecat="2/2/2/2 errs=1",
    ),
    Row("Begin: never sent", _begins(_never), sdk="2/2/4/0/1"),
    Row("Begin: delayed 3 s", Deviation(begin_after_s=3)),
    Row("Turn: no utterance", _turns(_drop("utterance"))),
    _refused_turns("Turn: no words", _drop("words"), "2/2/0"),
    Row("Turn: words []", _turns(_put(words=[])), livekit="2/2/0"),
    _refused_turns("Turn: word w/o confidence", _words(_drop("confidence"))),
    _refused_turns("Turn: word w/o word_is_final", _words(_drop("word_is_final"))),
    _refused_turns("Turn: word start float", _words(_float_start)),
    _refused_turns("Turn: no end_of_turn_confidence", _drop("end_of_turn_confidence")),
    _refused_turns("Turn: no turn_order", _drop("turn_order")),
    Row("Turn: extra unknown field", _turns(_put(unheard_of={"a": 1}))),
    Row(
        "Turn: final turn_is_formatted=false only",
        _turns(_finals(_put(turn_is_formatted=False))),
        pipecat="0/2/0/4",
    ),
    Row(
        "Turn: transcript null on partials",
        _turns(_partials(_put(transcript=None))),
        sdk="0/1/0/1/0 dies ValidationError",
        pipecat="2/2/2/0 errs=2",
    ),
    Row("Turn: language_code null", _turns(_put(language_code=None)), livekit="0/2/0"),
    Row("Turn: language_code xx 0.9", _turns(_put(language_code="xx", language_confidence=0.9))),
    Row(
        "Turn: speaker_label PENDING + word speaker",
        _turns(lambda turn: {**_words(_put(speaker="A"))(turn), "speaker_label": "PENDING"}),
    ),
    Row("Turn: speaker_label null, speaker_confidence", _turns(_put(speaker_label=None, speaker_confidence=0.9))),
    Row("SpeechStarted: no confidence", Deviation(_on("SpeechStarted", _drop("confidence")))),
    Row(
        "SpeechStarted: timestamp float",
        Deviation(_on("SpeechStarted", _put(timestamp=500.5))),
        sdk="0/0/0/1/0 dies ValidationError",
        pipecat="2/0/2/2 errs=2",
    ),
    Row(
        "SpeechStarted: never",
        Deviation(_on("SpeechStarted", _never)),
        sdk="2/0/4/1/1",
        pipecat="2/0/2/2",
        livekit="2/0/4",
    ),
    Row(
        "Termination: no durations",
        _ends(_drop("audio_duration_seconds", "session_duration_seconds")),
        pipecat="2/2/2/2 errs=1 waits",
    ),
    Row(
        "Termination: float durations",
        _ends(_put(audio_duration_seconds=5.02, session_duration_seconds=0.02)),
        sdk="2/2/4/1/0 dies ValidationError waits",
    ),
    Row("Termination: never, close 1000", _ends(_never), sdk="2/2/4/1/0", pipecat="2/2/2/2 waits"),
    Row("Termination sent, socket left open", Deviation(left_open=True), livekit="2/2/4 waits"),
    Row(
        "neither Termination nor close",
        _ends(_never, left_open=True),
        sdk="2/2/4/1/0 waits",
        pipecat="2/2/2/2 waits",
        livekit="2/2/4 waits",
    ),
    *(
        Row(
            f"SpeechStarted replaced by {name}",
            _instead("SpeechStarted", what),
            sdk="2/0/4/1/1",
            pipecat=pipecat,
            livekit="2/0/4",
            # The tap asks for Heartbeats itself, and keeps them from clients that did not.
            tapped={"pipecat": "2/0/2/2"} if name == "Heartbeat" else {},
        )
        for name, what, pipecat in (
            ("Heartbeat", _HEARTBEAT, "2/0/2/2 errs=2"),
            ("Silence", {"type": "Silence", "start_ms": 0, "end_ms": 1000}, "2/0/2/2 errs=2"),
            ("Warning", {"type": "Warning", "warning_code": 1234, "warning": "ending soon"}, "2/0/2/2 errs=2"),
            ("unknown FooBar", {"type": "FooBar"}, "2/0/2/2 errs=2"),
            ("{} (no type)", {}, "2/0/2/2 errs=2"),
            ("non-JSON", "hello", "2/0/2/2"),
        )
    ),
    Row(
        "SpeechStarted replaced by JSON list",
        _instead("SpeechStarted", json.dumps([1, 2])),
        sdk="0/0/0/1/0 dies AttributeError",
        pipecat="0/0/0/0 conns=3 errs=1 gives up waits",
        livekit="2/0/4",
    ),
    Row(
        "connect: Error 1008 + close",
        Deviation(error=(1008, _KEY)),
        sdk="0/0/0/0/0 error 1008",
        pipecat="0/0/0/0 conns=4 errs=5 gives up",
        livekit="0/0/0 conns=4 gives up",
        tapped=_REFUSED_ONCE,
    ),
    Row(
        "connect: Error 3006 + close",
        Deviation(error=(3006, _INPUT)),
        sdk="0/0/0/0/0 error 3006",
        pipecat="0/0/0/0 conns=4 errs=5 gives up",
        livekit="0/0/0 conns=4 gives up",
        tapped=_REFUSED_ONCE,
    ),
    Row(
        "connect: HTTP 401",
        Deviation(refused=HTTPStatus.UNAUTHORIZED),
        sdk="0/0/0/0/0 conns=0 error 401",
        pipecat="0/0/0/0 conns=0 errs=1 gives up",
        livekit="0/0/0 conns=0 gives up",
    ),
    Row(
        "connect: HTTP 503",
        Deviation(refused=HTTPStatus.SERVICE_UNAVAILABLE),
        sdk="0/0/0/0/0 conns=0 error 503",
        pipecat="0/0/0/0 conns=0 errs=8 gives up",
        livekit="0/0/0 conns=0 gives up",
    ),
    *(
        Row(
            f"mid-call: {name}",
            Deviation(lost=lost),
            sdk=f"0/1/1/1/0{told}",
            pipecat=f"2/3/2/3 conns=2{errs}",
            livekit="2/3/5 conns=2",
            tapped=_MENDED,
        )
        for name, lost, told, errs in (
            ("Error 3008 + close", (3008, _EXPIRED), " error 3008", " errs=1"),
            ("Error 3005 + close", (3005, _CANCELLED), " error 3005", " errs=1"),
            ("close 1000 no frames", (1000, ""), "", ""),
            ("close 1011 no Error frame", (1011, ""), " error 1011", ""),
        )
    ),
)

STREAMING_ROWS: tuple[Row, ...] = (
    Row(
        "Universal-Streaming, raw",
        Deviation(family="streaming"),
        sdk="2/0/4/1/1",
        pipecat="2/0/0/4",
        livekit="2/0/4",
        setup=Setup(STREAMING),
    ),
    Row(
        "Universal-Streaming, formatted",
        Deviation(family="streaming"),
        sdk="4/0/6/1/1",
        pipecat="2/0/0/4",
        livekit="2/0/6",
        setup=Setup(STREAMING, options={"format_turns": True}),
    ),
    Row(
        "Universal-Streaming, formatted though not asked",
        Deviation(family="streaming", formats=True),
        sdk="4/0/6/1/1",
        pipecat="2/0/0/4",
        livekit="4/0/6",
        setup=Setup(STREAMING),
    ),
    Row(
        "Universal-Streaming, not formatted though asked",
        Deviation(family="streaming", formats=False),
        sdk="2/0/4/1/1",
        pipecat="0/0/0/4",
        livekit="0/0/4",
        setup=Setup(STREAMING, options={"format_turns": True}),
    ),
)
