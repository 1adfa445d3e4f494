"""One line per event, for the event list and for people who read a call as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent import events
from agent.events import Event
from console import room_words, turn_ends, words


@dataclass(frozen=True, slots=True)
class Description:
    """``family`` has at most four letters; ``bad`` marks what went wrong."""

    family: str
    text: str
    bad: bool = False


def is_partial(event: Event) -> bool:
    """Whether a later event of the same turn will replace this one."""
    return isinstance(event, events.SttTurn) and not event.message.get("end_of_turn")


def is_heartbeat(event: Event) -> bool:
    """Whether it only says that the recogniser's session is alive; of these the latest is enough."""
    return isinstance(event, events.SttOther) and event.message.get("type") == "Heartbeat"


def describe(event: Event) -> Description:
    """The event in a few words."""
    family = _FAMILIES.get(events.type_of(event).partition(".")[0], "")
    found = _call(event) or _speech(event) or _turn(event) or _desk(event) or room_words.describe(event)
    if found is None:
        return Description(family or "?", events.type_of(event))
    text, bad = found
    return Description(family, text, bad)


_FAMILIES = {
    "agent": "agent",
    "call": "call",
    "room": "room",
    "worker": "work",
    "webhook": "hook",
    "media": "line",
    "stt": "stt",
    "turn": "turn",
    "llm": "llm",
    "tool": "tool",
    "tts": "tts",
    "operator": "desk",
    "error": "err",
}


def _call(event: Event) -> tuple[str, bool] | None:
    match event:
        case events.CallInitiated():
            return f"{event.direction} {event.from_} to {event.to}", False
        case events.CallPlaced():
            return f"placed in {event.took_ms} ms" if event.took_ms else "placed", False
        case events.CallRinging() | events.CallAnswered():
            return events.type_of(event).removeprefix("call."), False
        case events.CallDtmf():
            return f"pressed {event.digit}", False
        case events.CallEnded():
            told = f"ended {event.cause} by {event.source}"
            told = f"{told}: {event.detail}" if event.detail else told
            return told, bool(event.detail) or event.cause.endswith(("_failed", "_lost"))
        case events.WebhookReceived():
            again = " again" if event.duplicate else ""
            return f"{event.event_type}{again}, {event.age_ms} ms old", False
        case events.WebhookRejected():
            return f"refused at {event.route}: {event.reason}", True
        case events.MediaStarted():
            return f"started {words.media(event.encoding, event.sample_rate, event.asked)}", False
        case events.MediaStopped():
            return f"stopped: {event.reason}", False
        case events.MediaCleared():
            return f"cleared {event.dropped_ms} ms (barge-in)", False
        case events.MediaStats():
            return f"rx {event.rx} tx {event.tx} gap {event.gaps} late {event.late}", False
        case events.OperatorActed():
            return f"{event.action} {event.detail}".rstrip(), False
        case events.Error():
            return f"{event.where}: {event.message}", True
        case _:
            return None


def _speech(event: Event) -> tuple[str, bool] | None:
    match event:
        case events.SttOpened():
            return f"opened session {event.session}", False
        case events.SttBegin():
            return "begin", False
        case events.SttSpeechStarted():
            return "speech started", False
        case events.SttTurn():
            text = str(event.message.get("transcript") or "")
            if is_partial(event):
                return f"partial {text}", False
            value = event.message.get("end_of_turn_confidence")
            sure = f" {words.confidence(value)}" if isinstance(value, (int, float)) else ""
            return f"end of turn{sure} {text}", False
        case events.SttOther() if event.message.get("type") == "Warning":
            return f"warning: {event.message.get('warning') or event.message.get('warning_code')}", True
        case events.SttOther() if is_heartbeat(event):
            heard_ms = event.message.get("total_audio_received_ms")
            return f"alive, {words.seconds(heard_ms)} s heard" if isinstance(heard_ms, int) else "alive", False
        case events.SttSent() | events.SttOther():
            arrow = "sent" if isinstance(event, events.SttSent) else "got"
            return f"{arrow} {event.message.get('type', 'text')}", False
        case events.SttTuned() | events.SttIgnored() | events.SttSplit():
            return _retuned(event)
        case events.SttTermination():
            return "terminated as asked", False
        case events.SttError():
            return f"{event.text} ({event.code})", True
        case events.SttClosed():
            return f"closed {event.code} by {event.by}", False
        case _:
            return None


def _retuned(event: events.SttTuned | events.SttIgnored | events.SttSplit) -> tuple[str, bool]:
    match event:
        case events.SttSplit():
            again = f"{event.replayed_ms} ms heard again" if event.replayed_ms else "the rest alone is heard"
            return f"turn split, {again}: {event.text}", True
        case events.SttIgnored():
            return f"changes nothing: {_reasons(event.parameters)}", False
        case events.SttTuned():
            who = turn_ends.who(event.who)
            if event.end_turn:
                return f"{who} ended the turn", False
            told = f"{who} set {', '.join(f'{name} {words.value(value)}' for name, value in event.fields.items())}"
            return (f"{told}; not honoured: {_reasons(event.ignored)}", True) if event.ignored else (told, False)


def _reasons(ignored: Mapping[str, str]) -> str:
    return "; ".join(f"{name}, {reason.rstrip('.')}" for name, reason in ignored.items())


def _desk(event: Event) -> tuple[str, bool] | None:
    match event:
        case events.CallRecording():
            return f"recording {event.state} at {words.seconds(event.at_ms)} s", event.state == "failed"
        case events.OperatorListening():
            does = "listens" if event.listening else "listens no more"
            return f"{event.who} {does}, {event.listeners} in all", False
        case events.OperatorWhispered():
            return f"{event.who} whispered{' aloud' if event.spoken else ''}: {event.text}", False
        case events.OperatorSaid():
            return f"{event.who} let the agent say: {event.text}", False
        case events.OperatorMuted():
            done = "muted the agent" if event.muted else "let the agent speak"
            return f"{event.who} {done}" if not event.reason else f"{event.who} is gone: the agent speaks", False
        case events.OperatorTookOver():
            return f"{event.who} took over", False
        case events.OperatorSpoke():
            return f"{event.who}: {event.text}", False
        case events.OperatorHandedBack():
            why = f", {event.reason}" if event.reason else ""
            return f"{event.who} handed back after {words.seconds(event.held_ms)} s{why}", event.reason == "lost"
        case _:
            return None


def _turn(event: Event) -> tuple[str, bool] | None:
    match event:
        case events.TurnUserStarted():
            return f"{event.turn} caller speaks", False
        case events.TurnUserStopped():
            return f"{event.turn} over after {event.silence_ms} ms, by {event.decided_by}", False
        case events.TurnAgentStarted():
            return f"{event.turn} agent speaks", False
        case events.TurnAgentStopped():
            return f"{event.turn} answered, {words.seconds(event.audio_ms)} s", False
        case events.TurnInterrupted():
            return f"{event.turn} caller cut in after {words.seconds(event.heard_ms)} s", False
        case events.TurnLatency():
            return f"{event.turn} e2e {event.total_ms} ms", False
        case events.LlmRequest():
            return f"request of {event.messages} messages", False
        case events.LlmFirstToken():
            return f"first token {event.took_ms} ms", False
        case events.LlmDone():
            return f"done {event.took_ms} ms", False
        case events.ToolCalled():
            return f"{event.name} called", False
        case events.ToolReturned():
            return f"{event.name} {event.took_ms} ms {event.summary}", not event.ok
        case events.TtsRequest():
            return f"say {event.text}", False
        case events.TtsFirstAudio():
            return f"first audio {event.took_ms} ms", False
        case events.TtsDone():
            return f"done, {words.seconds(event.audio_ms)} s of audio", False
        case _:
            return None
