"""What AssemblyAI's messages tell of each turn: how sure it was, what ended it, and how long that took.

Pure: a fold over the ``stt.*`` events of one call. Times are milliseconds of a session's audio, as the service
counts them. ``audio_ms`` of a message is the stand-in's own figure where it gives one (``simulator.audio_ms``),
else what had been sent when the message came.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, Literal, TypeVar, cast

import msgspec

from agent import events
from agent.events import Event

Ending = Literal["", "confidence", "max_silence", "forced", "hangup"]
"""What ended a turn: the service found it complete, it was silent for max_turn_silence, a ForceEndpoint, or the
session's end; empty while it is open."""

CUT_OFF_MS = 700
"""Speech that goes on so soon after an end of turn was cut off by it."""
MAX_HEARD = 300
MAX_DETAILED = 60
"""Words and ramps are kept of so many of the last turns."""
_OPEN_HEARD = 3
"""Messages are about one of so many of the last turns."""
MAX_RAMP = 64
MAX_WORDS = 400
_MAX_TEXT = 200
_MAX_PARAMETER = 8_000
_FORCED_MS = 1_000
"""A ForceEndpoint that long before a turn's first message found no turn to end; live it is answered within
315 ms (p90, measured by others)."""
_ENDINGS: Final = ("confidence", "max_silence", "forced", "hangup")


class Point(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One message of a turn: when, how sure of its end the service was, and how many words it had."""

    audio_ms: int
    confidence: float
    words: int


class HeardWord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A word of a turn."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Heard(msgspec.Struct):
    """One of AssemblyAI's turns. ``turn`` is the caller's turn that it became part of, 0 while that is open.

    ``words`` come with its end; until then ``partial`` has them as the last message does, see :func:`words_of`.
    ``started_ms`` is where its speech begins, -1 as long as that is unknown. ``silence_ms`` is the audio from its
    last word to the message that ended it; ``final_ms`` the wall time from the last word's audio to that message,
    0 where it is not known. ``forced_by`` is who sent the ForceEndpoint: a client, or ``framework``. ``split``
    marks a turn whose beginning a lost connection took.
    """

    session: int
    order: int
    turn: int = 0
    transcript: str = ""
    words: list[HeardWord] = []
    partial: list[Any] = []
    ramp: list[Point] = []
    started_ms: int = -1
    ended_by: Ending = ""
    forced_by: str = ""
    ended_at_ms: int = 0
    silence_ms: int = 0
    final_ms: int = 0
    confidence: float | None = None
    recogniser: str = ""
    split: bool = False


class Awaited(msgspec.Struct):
    """What the next message of a session is judged by: a ForceEndpoint and who sent it, a SpeechStarted, a lost
    connection, Terminate, and the last moment at which audio and monotonic clock were both known."""

    forced_mono: int = 0
    forced_by: str = ""
    started_ms: int = -1
    split: bool = False
    closing: bool = False
    mono: int = 0
    audio_ms: int = 0


class Listening(msgspec.Struct):
    """What is known of a call's speech recognition.

    ``parameters`` is the query of the open session with what the framework changed since, ``tuned`` what an
    operator changed, ``ignored`` what changes nothing and why. ``mode`` is empty where the model has none.
    """

    session: int = 0
    model: str = ""
    mode: str = ""
    engine: str = ""
    parameters: dict[str, str] = {}
    tuned: dict[str, object] = {}
    ignored: dict[str, str] = {}
    heard: list[Heard] = []
    awaited: Awaited = msgspec.field(default_factory=Awaited)


def hear(listening: Listening, event: Event) -> Heard | None:
    """Fold one event in place; events of other families change nothing. Returns the turn that a Turn message is
    about, where it has words."""
    match event:
        case events.SttTurn():
            return _turn(listening, event)
        case events.SttSpeechStarted():
            listening.awaited.started_ms = _whole(event.message.get("timestamp"), -1)
        case events.SttSent():
            _sent(listening, event)
        case events.TurnUserStopped():
            _number(listening, event.turn)
        case events.SttOpened():
            _open(listening, event)
        case events.SttBegin():
            _begin(listening, event)
        case events.SttIgnored():
            listening.ignored.update(event.parameters)
        case events.SttTuned():
            _tuned(listening, event)
        case events.SttSplit():
            listening.awaited.split = True
        case _:
            pass
    return None


def cut_offs(heard: Sequence[Heard]) -> int:
    """How many ends of turn the caller spoke on after, within :data:`CUT_OFF_MS`."""
    return sum(cut_off(this, after) for this, after in pairwise(heard))


def cut_off(heard: Heard, after: Heard | None) -> bool:
    """Whether the caller of ``heard`` spoke on in ``after``, the turn that follows it."""
    if after is None or heard.session != after.session or after.started_ms < 0:
        return False
    return judged(heard) and after.started_ms - heard.ended_at_ms <= CUT_OFF_MS


def words_of(heard: Heard) -> list[HeardWord]:
    """The words of a turn, whether it has ended or not."""
    return heard.words or _words(heard.partial)


def judged(heard: Heard) -> bool:
    """Whether an end of turn was decided here that can be judged: it had words, no hang-up ended it, and it is
    known where (journals of before the audio was counted do not tell)."""
    return bool(heard.ended_by and heard.transcript and heard.ended_at_ms) and heard.ended_by != "hangup"


def waits_ms(heard: Sequence[Heard]) -> list[int]:
    """For each end of turn that can be judged, the audio from the last word to it."""
    return [one.silence_ms for one in heard if judged(one)]


def threshold_of(listening: Listening) -> float:
    """The end_of_turn_confidence_threshold in force; Universal-3 models have none, which is 0."""
    name = "end_of_turn_confidence_threshold"
    return _in_force(listening, name) if _streaming(listening.model) else 0.0


def _turn(listening: Listening, event: events.SttTurn) -> Heard | None:
    message, awaited = event.message, listening.awaited
    order = message.get("turn_order")
    if not isinstance(order, int):
        return None
    transcript = str(message.get("transcript") or "")
    given = _listed(message.get("words"))
    heard = _find(listening.heard, event.session, order)
    final = bool(message.get("end_of_turn"))
    if heard is None:
        if not (transcript or given):
            return None
        heard = _add(listening, event, order, final)
    elif heard.ended_by:
        # The same turn again, formatted.
        heard.transcript = transcript or heard.transcript
        heard.words = _words(given) or heard.words
        return heard
    heard.transcript = transcript or heard.transcript
    if given:
        heard.partial = given[:MAX_WORDS]
        if heard.started_ms < 0:
            heard.started_ms = _whole(_fields(given[0]).get("start"), -1)
    played = _fields(message.get("simulator"))
    audio_ms = (_whole(played.get("audio_ms"), 0) if played else 0) or event.audio_ms
    heard.confidence = confidence = _number_or(message.get("end_of_turn_confidence"), None)
    ramp = heard.ramp
    ramp.append(Point(audio_ms, confidence or 0.0, len(given)))
    if len(ramp) > MAX_RAMP:
        del ramp[1::2]
    if final:
        heard.recogniser = str(played.get("recogniser") or "")[:_MAX_TEXT]
        _end(listening, heard, event, audio_ms, str(played.get("ended_by") or ""))
    awaited.mono, awaited.audio_ms = event.mono, event.audio_ms
    return heard


def _add(listening: Listening, event: events.SttTurn, order: int, final: bool) -> Heard:
    awaited = listening.awaited
    heard = Heard(event.session, order, started_ms=awaited.started_ms, split=awaited.split)
    awaited.started_ms, awaited.split = -1, False
    if not final and event.mono - awaited.forced_mono > _FORCED_MS * 1_000_000:
        awaited.forced_mono, awaited.forced_by = 0, ""
    listening.heard.append(heard)
    if len(listening.heard) > MAX_HEARD:
        del listening.heard[: MAX_HEARD // 10]
    if len(listening.heard) > MAX_DETAILED:
        # Replaced instead of emptied, for those who still hold it.
        old = listening.heard[-MAX_DETAILED - 1]
        listening.heard[-MAX_DETAILED - 1] = msgspec.structs.replace(old, words=[], partial=[], ramp=[])
    return heard


def _end(listening: Listening, heard: Heard, event: events.SttTurn, audio_ms: int, told: str) -> None:
    awaited = listening.awaited
    heard.words, heard.partial = _words(heard.partial), []
    last_ms = heard.words[-1].end_ms if heard.words else 0
    heard.ended_at_ms = audio_ms
    if audio_ms and last_ms:
        heard.silence_ms = max(0, audio_ms - last_ms)
    if event.audio_ms and last_ms:
        heard.final_ms = max(0, _now_ms(awaited, event) - last_ms)
    heard.ended_by = told if told in _ENDINGS else _ended_by(listening, heard)  # type: ignore[assignment]
    if heard.ended_by == "forced":
        heard.forced_by = awaited.forced_by
    awaited.forced_mono, awaited.forced_by = 0, ""


def _now_ms(awaited: Awaited, event: events.SttTurn) -> int:
    """The audio time that an event's moment would have, had the audio gone on since the message before."""
    if not (awaited.audio_ms and awaited.mono):
        return event.audio_ms
    return max(event.audio_ms, awaited.audio_ms + (event.mono - awaited.mono) // 1_000_000)


def _ended_by(listening: Listening, heard: Heard) -> Ending:
    if listening.awaited.forced_by:
        return "forced"
    if listening.awaited.closing:
        return "hangup"
    if _streaming(listening.model):
        return "confidence" if (heard.confidence or 0.0) > threshold_of(listening) else "max_silence"
    return "max_silence" if heard.silence_ms >= _in_force(listening, "max_turn_silence") else "confidence"


def _in_force(listening: Listening, name: str) -> float:
    """A number of the session's: an operator's, the query's, or what the service takes without either."""
    for given in (listening.tuned.get(name), listening.parameters.get(name)):
        with contextlib.suppress(ValueError):
            if isinstance(given, (int, float, str)):
                return float(given)
    # Late, since a console's first paint knows of no turn yet.
    from agent.stt_parameters import DEFAULTS, DIARIZATION, MODES, family

    kin = family(listening.model)
    preset: dict[str, Any] = {}
    if listening.parameters.get("speaker_labels", "").lower() == "true":
        preset = DIARIZATION
    elif kin == "u3":
        preset = MODES.get(str(listening.tuned.get("mode") or listening.mode or DEFAULTS[kin]["mode"]), {})
    return float(preset.get(name) or DEFAULTS[kin].get(name) or 0.0)


def _streaming(model: str) -> bool:
    from agent.stt_parameters import family

    return family(model) == "streaming"


def _open(listening: Listening, event: events.SttOpened) -> None:
    """A new session knows nothing of what was changed in the one before; only a split turn reaches into it."""
    listening.session, listening.parameters = event.session, dict(event.parameters)
    listening.model, listening.mode = event.parameters.get("speech_model", ""), event.parameters.get("mode", "")
    listening.tuned, listening.ignored = {}, {}
    listening.awaited = Awaited(split=listening.awaited.split)


def _begin(listening: Listening, event: events.SttBegin) -> None:
    listening.session = event.session
    configuration = _fields(event.message.get("configuration"))
    if configuration:
        listening.model = str(configuration.get("model") or listening.model)[:_MAX_TEXT]
        listening.mode = str(configuration.get("mode") or "")[:_MAX_TEXT]
    listening.engine = str(_fields(event.message.get("simulator")).get("engine") or "")[:_MAX_TEXT]


def _sent(listening: Listening, event: events.SttSent) -> None:
    kind = event.message.get("type")
    if kind == "ForceEndpoint":
        listening.awaited.forced_mono = event.mono
        listening.awaited.forced_by = listening.awaited.forced_by or "framework"
    elif kind == "Terminate":
        listening.awaited.closing = True
    elif kind == "UpdateConfiguration":
        for name, value in event.message.items():
            # An operator's is told by SttTuned too, right after it.
            text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            if name != "type" and len(text) <= _MAX_PARAMETER:
                listening.tuned.pop(name, None)
                listening.parameters[name] = text


def _tuned(listening: Listening, event: events.SttTuned) -> None:
    if event.end_turn:
        listening.awaited.forced_by = event.who
        listening.awaited.forced_mono = event.mono
    listening.ignored.update(event.ignored)
    listening.tuned.update(event.fields)


def _number(listening: Listening, turn: int) -> None:
    """The framework made one turn of what was heard since the last one: of what has ended or was lost, if
    anything has."""
    waiting: list[Heard] = []
    for heard in reversed(listening.heard):
        if heard.turn:
            break
        waiting.append(heard)
    over = [one for one in waiting if one.ended_by or one.session != listening.session]
    for heard in over or waiting:
        heard.turn = turn


def _find(all_heard: list[Heard], session: int, order: int) -> Heard | None:
    for place in range(-1, -1 - min(_OPEN_HEARD, len(all_heard)), -1):
        heard = all_heard[place]
        if heard.order == order and heard.session == session:
            return heard
    return None


def _words(given: list[Any]) -> list[HeardWord]:
    return [
        HeardWord(
            str(word.get("text") or "")[:_MAX_TEXT],
            _whole(word.get("start"), 0),
            _whole(word.get("end"), 0),
            _number_or(word.get("confidence"), 0.0),
        )
        for word in map(_fields, given[:MAX_WORDS])
        if word
    ]


def _fields(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _listed(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _whole(value: object, otherwise: int) -> int:
    return int(value) if isinstance(value, (int, float)) and abs(value) < 1e12 else otherwise


_Otherwise = TypeVar("_Otherwise", float, None)


def _number_or(value: object, otherwise: _Otherwise) -> float | _Otherwise:
    return float(value) if isinstance(value, (int, float)) else otherwise
