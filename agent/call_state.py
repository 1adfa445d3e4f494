"""The fold: what is known of a call after each of its events. The agent, the console, replay and tests share it.

``apply`` takes a state and the next event and returns the state; it never looks at a clock or at anything
else, so folding the same events always gives the same state.
"""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from agent import desk, events, room_state
from agent.desk import Desk
from agent.events import Direction, Event
from agent.room_state import Room
from agent.turn_detection import Heard, Listening, cut_off, hear

Phase = Literal["dialing", "ringing", "listening", "hearing", "thinking", "speaking", "ended"]
Who = Literal["caller", "agent", "operator", "tool", "note"]

MAX_LINES = 2_000
MAX_TURNS = 500
_MAX_SHOWN = 60
_SPLIT = "stt:split"


class Line(msgspec.Struct):
    """One line of the transcript.

    ``key`` names what may still rewrite it: an open caller turn, an answer or a tool call; it is empty once
    nothing will. ``at`` is the UTC time of its first event. ``confidence`` is the end-of-turn confidence,
    ``took_ms`` a tool's time, ``mark`` a short label such as ``rough``, ``split`` or ``✂``. ``by`` names the
    operator where ``who`` is operator.
    """

    who: Who
    text: str
    at: str
    key: str = ""
    final: bool = False
    turn: int = 0
    confidence: float | None = None
    took_ms: int | None = None
    mark: str = ""
    by: str = ""


class Turn(msgspec.Struct):
    """One turn of the caller and the answer to it; turn 0 is the greeting.

    ``spoke_ms`` is the time from the first sign of the caller's speech to the last voiced frame.
    """

    number: int
    started_mono: int = 0
    spoke_ms: int = 0
    text: str = ""
    confidence: float | None = None
    decided_by: str = ""
    silence_ms: int = 0
    total_ms: int | None = None
    parts: dict[str, int] = {}
    answer_ms: int = 0
    interrupted: bool = False


class Media(msgspec.Struct):
    """The line as the last media event told it; see :class:`agent.events.MediaStats` for the counts."""

    encoding: str = ""
    sample_rate: int = 0
    rx: int = 0
    tx: int = 0
    gaps: int = 0
    late: int = 0
    jitter_ms: int = 0
    queue_ms: int = 0
    refused: int = 0
    clears: int = 0
    caller_db: int = -90
    agent_db: int = -90


class CallState(msgspec.Struct):
    """Everything a screen or a program wants to know of one call."""

    id: str
    direction: Direction = "outbound"
    from_: str = msgspec.field(name="from", default="")
    to: str = ""
    framework: str = ""
    line: str = "telnyx"
    phase: Phase = "dialing"
    call_control_id: str = ""
    started_at: str = ""
    started_mono: int = 0
    answered_mono: int = 0
    ended_mono: int = 0
    duration_ms: int = 0
    cause: str = ""
    ended_by: str = ""
    sip: str = ""
    detail: str = ""
    lines: list[Line] = []
    turns: list[Turn] = []
    media: Media = msgspec.field(default_factory=Media)
    errors: list[str] = []
    listening: Listening = msgspec.field(default_factory=Listening)
    desk: Desk = msgspec.field(default_factory=Desk)
    room: Room = msgspec.field(default_factory=Room)
    last_seq: int = 0

    @property
    def number(self) -> str:
        """The other party's number."""
        return self.from_ if self.direction == "inbound" else self.to

    @property
    def live(self) -> bool:
        return self.phase != "ended"

    def latencies_ms(self) -> list[int]:
        """The caller's waits in order, one for each answered turn."""
        return [turn.total_ms for turn in self.turns if turn.total_ms is not None]


def apply(state: CallState, event: Event) -> CallState:
    """Fold one event of this call into its state, in place, and return it. Unknown events change nothing."""
    if event.seq:
        state.last_seq = event.seq
    match event:
        # What comes most often comes first, since the cases are tried in turn.
        case events.MediaLevel():
            state.media.caller_db, state.media.agent_db = event.caller, event.agent
        case events.SttTurn():
            _stt_turn(state, event)
        case events.MediaStats():
            media = state.media
            media.rx, media.tx, media.gaps, media.late = event.rx, event.tx, event.gaps, event.late
            media.jitter_ms, media.queue_ms, media.refused = event.jitter_ms, event.queue_ms, event.refused
        case events.CallInitiated():
            state.direction, state.from_, state.to = event.direction, event.from_, event.to
            state.framework, state.line = event.framework, event.line
            state.started_at, state.started_mono = event.at, event.mono
            state.phase = "ringing" if event.direction == "inbound" else "dialing"
        case events.CallPlaced():
            state.call_control_id = event.call_control_id
        case events.CallRinging():
            if state.phase == "dialing":
                state.phase = "ringing"
        case events.CallAnswered():
            state.answered_mono = event.mono
            state.phase = "listening"
        case events.CallEnded():
            desk.step(state.desk, event)
            _end(state, event)
        case events.CallDtmf():
            _note(state, event, f"pressed {event.digit}", mark="#")
        case events.MediaStarted():
            state.media.encoding, state.media.sample_rate = event.encoding, event.sample_rate
        case events.MediaCleared():
            state.media.clears += 1
        case events.SttSent() | events.SttSpeechStarted() | events.SttOpened() | events.SttBegin():
            hear(state.listening, event)
        case events.SttIgnored():
            hear(state.listening, event)
        case events.SttTuned():
            hear(state.listening, event)
            _tuned(state, event)
        case events.SttSplit():
            hear(state.listening, event)
            _split(state, event)
        case events.SttError():
            state.errors.append(f"stt {event.code}: {event.text}")
            _note(state, event, f"speech recognition: {event.text} ({event.code})", mark="✗")
        case events.TurnUserStarted():
            _turn(state, event.turn).started_mono = event.mono
            if state.live:
                state.phase = "hearing"
        case events.TurnUserStopped():
            hear(state.listening, event)
            turn = _turn(state, event.turn)
            turn.text, turn.confidence = event.text, event.confidence
            turn.decided_by, turn.silence_ms = event.decided_by, event.silence_ms
            if turn.started_mono:
                turn.spoke_ms = max(0, (event.mono - turn.started_mono) // 1_000_000 - event.silence_ms)
            line = _last(state, "caller")
            if line is not None and not line.turn:
                line.turn = event.turn
            if state.live:
                state.phase = "listening" if state.desk.muted_by or state.desk.held_by else "thinking"
        case events.TurnAgentStarted():
            if state.live:
                state.phase = "speaking"
        case events.TurnAgentStopped():
            _answered(state, event.turn, event.audio_ms)
        case events.TurnInterrupted():
            _interrupted(state, event)
        case events.TurnLatency():
            turn = _turn(state, event.turn)
            turn.total_ms, turn.parts = event.total_ms, event.parts
        case events.ToolCalled():
            text = f"{event.name}({', '.join(f'{k}={v}' for k, v in event.arguments.items())})"
            _add(state, Line("tool", text, event.at, key=f"tool:{event.tool_call_id}", turn=event.turn))
        case events.ToolReturned():
            line = _open(state, f"tool:{event.tool_call_id}")
            if line is not None:
                line.text += f" → {event.summary}"
                line.took_ms, line.final, line.key = event.took_ms, True, ""
                line.mark = "" if event.ok else "✗"
        case events.TtsRequest():
            line = _open(state, f"answer:{event.turn}")
            if line is None:
                _add(state, Line("agent", event.text, event.at, key=f"answer:{event.turn}", turn=event.turn))
            else:
                line.text = f"{line.text.rstrip()} {event.text.lstrip()}"
        case events.RoomOpened() | events.RoomSip() | events.RoomParticipant():
            room_state.step(state.room, event)
        case events.Error():
            state.errors.append(event.message)
            _note(state, event, event.message, mark="✗")
        case _:
            told = desk.step(state.desk, event)
            if told is not None:
                _add(state, Line(told.who, told.text, event.at, final=True, mark=told.mark, by=told.by))
    return state


def fold(call: str, stream: list[Event]) -> CallState:
    """The state of a call after all of ``stream``, which must be its events in order."""
    state = CallState(call)
    for event in stream:
        apply(state, event)
    return state


def _add(state: CallState, line: Line) -> None:
    state.lines.append(line)
    if len(state.lines) > MAX_LINES:
        del state.lines[: MAX_LINES // 10]


def _note(state: CallState, event: Event, text: str, mark: str) -> None:
    _add(state, Line("note", text, event.at, final=True, mark=mark))


def _open(state: CallState, key: str) -> Line | None:
    """The line that ``key`` may still rewrite; open lines are always among the last ones."""
    return next((line for line in reversed(state.lines[-30:]) if line.key == key), None)


def _last(state: CallState, who: Who) -> Line | None:
    return next((line for line in reversed(state.lines) if line.who == who), None)


def _turn(state: CallState, number: int) -> Turn:
    found = next((turn for turn in reversed(state.turns) if turn.number == number), None)
    if found is None:
        found = Turn(number)
        state.turns.append(found)
        if len(state.turns) > MAX_TURNS:
            del state.turns[: MAX_TURNS // 10]
    return found


def _stt_turn(state: CallState, event: events.SttTurn) -> None:
    message = event.message
    heard = hear(state.listening, event)
    text = str(message.get("transcript") or "")
    key = f"stt:{event.session}:{message.get('turn_order')}"
    line = _open(state, key)
    if line is None:
        if not text:
            return
        line = _open(state, _SPLIT)
        if line is None:
            if heard is not None:
                _tell_cut_off(state, event, heard)
            line = Line("caller", text, event.at)
            _add(state, line)
        line.key = key
    line.text = text or line.text
    confidence = message.get("end_of_turn_confidence")
    line.confidence = float(confidence) if isinstance(confidence, (int, float)) else None
    simulator = message.get("simulator")
    rough = isinstance(simulator, dict) and bool(cast("dict[str, object]", simulator).get("rough"))
    line.mark = "split" if heard is not None and heard.split else "rough" if rough else ""
    line.final = bool(message.get("end_of_turn"))


def _tell_cut_off(state: CallState, event: events.SttTurn, heard: Heard) -> None:
    before = state.listening.heard[-2:-1]
    if before and cut_off(before[0], heard):
        gap = heard.started_ms - before[0].ended_at_ms
        how = f"spoke on {gap} ms after it" if gap > 0 else "was still speaking"
        _note(state, event, f"the end of turn cut the caller off, who {how}", mark="▲")


def _split(state: CallState, event: events.SttSplit) -> None:
    """What was understood before the connection broke: its line is written again when the new connection hears
    the same audio, else it is all that there will be of it."""
    line = next(
        (line for line in reversed(state.lines[-30:]) if line.key.startswith("stt:") and not line.final), None
    )
    if line is None:
        if not event.text:
            return
        line = Line("caller", event.text, event.at)
        _add(state, line)
    line.text, line.mark = event.text or line.text, "split"
    if event.replayed_ms:
        line.key = _SPLIT
    else:
        line.final, line.key = True, ""


def _tuned(state: CallState, event: events.SttTuned) -> None:
    """Tell what an operator changed; what a new connection is given again was told before."""
    if event.who == "agent":
        return
    who = "operator" if event.who == "console" else event.who
    done = ["ended the turn"] if event.end_turn else []
    if event.fields:
        done.append("set " + ", ".join(f"{name} {_shown(value)}" for name, value in event.fields.items()))
    for name, why in event.ignored.items():
        done.append(f"{name}: {why.rstrip('.')}")
    _note(state, event, f"{who} {'; '.join(done)}", mark="")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)
    return (text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…") or "nothing"


def _answered(state: CallState, number: int, audio_ms: int) -> None:
    _turn(state, number).answer_ms = audio_ms
    line = _open(state, f"answer:{number}")
    if line is not None:
        line.final, line.key = True, ""
    if state.phase == "speaking":
        state.phase = "listening"


def _interrupted(state: CallState, event: events.TurnInterrupted) -> None:
    turn = _turn(state, event.turn)
    turn.interrupted, turn.answer_ms = True, event.heard_ms
    line = _open(state, f"answer:{event.turn}")
    if line is not None:
        line.text = f"{event.heard.rstrip()}—" if event.heard else "—"
        line.final, line.key = True, ""
        note = (
            f"{'an operator' if event.by == 'operator' else 'caller'} cut in after {event.heard_ms / 1000:.1f} s "
            f"(heard {len(event.heard)} of {len(event.said)} characters)"
        )
        state.lines.insert(
            state.lines.index(line) + 1, Line("note", note, event.at, final=True, mark="✂", turn=event.turn)
        )
    if state.phase == "speaking":
        state.phase = "listening"


def _end(state: CallState, event: events.CallEnded) -> None:
    state.phase, state.cause, state.ended_by = "ended", event.cause, event.source
    state.sip, state.duration_ms, state.ended_mono = event.sip, event.duration_ms, event.mono
    state.detail = event.detail
    for line in state.lines[-30:]:
        line.final, line.key = True, ""
