"""What operators do in a call, folded from its events: who listens, who has muted the agent or holds the call,
and whether it is recorded. Pure."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from agent import events
from agent.events import Event

RecordingState = Literal["", "started", "paused", "resumed", "stopped", "failed"]


class Recording(msgspec.Struct):
    """``state`` as :class:`agent.events.CallRecording` told it last, empty before; ``started_mono`` is the time of
    its first sample on the agent's clock."""

    state: RecordingState = ""
    file: str = ""
    started_mono: int = 0
    length_ms: int = 0

    @property
    def running(self) -> bool:
        return self.state in ("started", "resumed")


class Desk(msgspec.Struct):
    """``muted_by`` and ``held_by`` name a person, or are empty."""

    listeners: int = 0
    muted_by: str = ""
    held_by: str = ""
    held_mono: int = 0
    recording: Recording = msgspec.field(default_factory=Recording)


class Told(NamedTuple):
    """A line of the transcript. ``by`` is the operator whose words they are."""

    who: Literal["operator", "note"]
    text: str
    mark: str = ""
    by: str = ""


def step(desk: Desk, event: Event) -> Told | None:
    """Fold an event into the desk, in place; returns what the transcript says of it, if anything."""
    match event:
        case events.OperatorListening():
            desk.listeners = event.listeners
        case events.OperatorMuted():
            desk.muted_by = event.who if event.muted else ""
            return Told("note", _muted(event), "▲" if event.reason else "")
        case events.OperatorWhispered():
            return Told("operator", event.text, "whisper", event.who)
        case events.OperatorSaid():
            return Told("note", f"the agent's next words are {event.who}'s")
        case events.OperatorTookOver():
            desk.muted_by, desk.held_by, desk.held_mono = "", event.who, event.mono
            return Told("note", f"{event.who} took over")
        case events.OperatorSpoke():
            return Told("operator", event.text, by=event.who)
        case events.OperatorHandedBack():
            desk.held_by = ""
            return Told("note", _handed_back(event), "▲" if event.reason == "lost" else "")
        case events.CallRecording():
            return _recorded(desk.recording, event)
        case events.CallEnded():
            desk.listeners, desk.muted_by, desk.held_by = 0, "", ""
            if desk.recording.state not in ("", "failed"):
                # Without a word of it where the agent went away in the middle of the call.
                desk.recording.state = "stopped"
        case _:
            pass
    return None


def _muted(event: events.OperatorMuted) -> str:
    if event.muted:
        return f"{event.who} muted the agent"
    return f"the agent speaks again: {event.who} was gone" if event.reason else f"{event.who} let the agent speak"


def _handed_back(event: events.OperatorHandedBack) -> str:
    if event.reason == "lost":
        return f"the agent took the call back: {event.who} was gone"
    held = f"after {event.held_ms / 1000:.0f} s"
    return f"{event.who} held the call to its end" if event.reason else f"{event.who} handed back {held}"


def _recorded(recording: Recording, event: events.CallRecording) -> Told | None:
    recording.state, recording.file = event.state, event.file
    recording.length_ms = event.at_ms
    if event.state == "started":
        recording.started_mono = event.mono - event.at_ms * 1_000_000
        return None if event.who == "agent" else Told("note", f"{event.who} started the recording")
    if event.state in ("paused", "resumed"):
        return Told("note", f"{event.who} {event.state} the recording")
    return None
