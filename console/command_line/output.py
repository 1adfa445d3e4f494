"""What ``sidetone call`` prints: text for people, or the events as they are for programs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import Protocol

from agent import events
from agent.call_state import CallState
from agent.events import Event
from console import words
from console.command_line.transcript_printer import TranscriptPrinter


class CallOutput(Protocol):
    """``event`` gets each event with its JSON text and, for events of the call, the state after it."""

    def progress(self, text: str) -> None: ...
    def begin(self, text: str, services: Mapping[str, str]) -> None: ...
    def event(self, event: Event, text: str, state: CallState | None) -> None: ...
    def detail(self, text: str) -> None: ...
    def passed(self, text: str) -> None: ...
    def failed(self, text: str) -> None: ...
    def close(self) -> None: ...


class JsonOutput:
    """The journal's events on standard output, one a line, and nothing else there."""

    def progress(self, text: str) -> None:
        pass

    def begin(self, text: str, services: Mapping[str, str]) -> None:
        pass

    def event(self, event: Event, text: str, state: CallState | None) -> None:
        if event.seq:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    def detail(self, text: str) -> None:
        print(text, file=sys.stderr)

    def passed(self, text: str) -> None:
        pass

    def failed(self, text: str) -> None:
        print(text, file=sys.stderr)

    def close(self) -> None:
        pass


class TextOutput:
    """The call as a person would read it on standard output; what went wrong on standard error."""

    def __init__(self) -> None:
        self._printer = for_terminal()
        self._room_told = ""

    def progress(self, text: str) -> None:
        if sys.stderr.isatty():
            print(text, file=sys.stderr)

    def begin(self, text: str, services: Mapping[str, str]) -> None:
        modes = " · ".join(f"{service} {mode}" for service, mode in services.items())
        self._printer.say(f"{text}   {modes}")

    def event(self, event: Event, text: str, state: CallState | None) -> None:
        if state is not None:
            self._printer.update(state)
            if isinstance(event, events.CallEnded):
                self._printer.note(words.ending(state))
            elif isinstance(event, (events.RoomOpened, events.RoomSip)):
                self._told_of_room(event)
            elif isinstance(event, events.MediaStarted) and (event.sample_rate > 8000 or event.asked):
                self._printer.note(f"line: {words.media(event.encoding, event.sample_rate, event.asked)}")
        elif isinstance(event, events.Error):
            self.detail(f"{event.message} {event.fix}".strip())

    def _told_of_room(self, event: events.RoomOpened | events.RoomSip) -> None:
        """Each status of the SIP leg once, whatever else of it changes."""
        told = f"room {event.room}" if isinstance(event, events.RoomOpened) else f"sip {event.status}"
        if told != self._room_told:
            self._room_told = told
            self._printer.note(told)

    def detail(self, text: str) -> None:
        self._printer.close()
        print(text, file=sys.stderr)

    def passed(self, text: str) -> None:
        self._printer.say(f"✓ {text}", "32")

    def failed(self, text: str) -> None:
        self._printer.close()
        print(text, file=sys.stderr)

    def close(self) -> None:
        self._printer.close()


def for_terminal() -> TranscriptPrinter:
    """A printer to standard output that fits what is there."""
    tty = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if tty else 0
    return TranscriptPrinter(sys.stdout, width, colour=tty and "NO_COLOR" not in os.environ)
