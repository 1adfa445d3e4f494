"""What is known of the sound process: devices, levels, the softphone, who is listened to, what is played. Plain
Python, fed with its reports; the screen reads it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from console.sound import protocol
    from console.sound.protocol import Report

LEVELS = 8
_MOST_KEYS = 24

Phase = Literal["off", "up", "down"]


@dataclass(slots=True)
class Ears:
    """The call that is listened to; ``open`` once its audio comes. ``speaking``: where the microphone is heard."""

    call: str
    mode: Literal["mix", "split"]
    open: bool = False
    speaking: Literal["nobody", "caller", "agent"] = "nobody"
    stats: protocol.ListeningStats | None = None


@dataclass(slots=True)
class Played:
    """The recording that is open, and the call it is of."""

    call: str
    at_ms: int = 0
    length_ms: int = 0
    speed: float = 1.0
    state: Literal["opening", "playing", "paused", "over"] = "opening"


@dataclass(slots=True)
class Softphone:
    """``since`` is the wall time in seconds of its last change, ``keys`` what was pressed and what came."""

    report: protocol.Phone | None = None
    stats: protocol.PhoneStats | None = None
    muted: bool = False
    since: float = 0.0
    keys: deque[tuple[Literal["out", "in"], str]] = field(default_factory=lambda: deque(maxlen=_MOST_KEYS))

    @property
    def state(self) -> str:
        return "off" if self.report is None else self.report.state

    @property
    def ringing(self) -> bool:
        return self.state == "ringing"

    @property
    def busy(self) -> bool:
        """A call rings, is dialled or goes on."""
        return self.state in ("dialling", "ringing", "talking")


class SoundState:
    """``clock`` is wall time in seconds. ``changed`` is called for what must be drawn at once; levels, counters
    and places in a recording only count for ``take_moves``."""

    def __init__(self, clock: Callable[[], float], changed: Callable[[], object]) -> None:
        self.phase: Phase = "off"
        self.devices: protocol.Devices | None = None
        self.lost: dict[protocol.Kind, protocol.DeviceChanged] = {}
        """Devices that are not as they should be, by kind."""
        self.levels: deque[tuple[int, int]] = deque(maxlen=LEVELS)
        """The last levels of microphone and speaker in dBFS."""
        self.counters: protocol.Counters | None = None
        self.phone = Softphone()
        self.ears: Ears | None = None
        self.held = ""
        """The call whose caller hears this console's microphone."""
        self.whispered = ""
        """The call whose agent is spoken to from this console."""
        self.played: Played | None = None
        self.problem, self.fix = "", ""
        self._clock, self._changed = clock, changed
        self._moved = False

    @property
    def microphone_db(self) -> int:
        return self.levels[-1][0] if self.levels else -90

    @property
    def speaker_db(self) -> int:
        return self.levels[-1][1] if self.levels else -90

    def take_moves(self) -> bool:
        """Whether any level, counter or place came since the last time."""
        moved, self._moved = self._moved, False
        return moved

    def listens_to(self, call: str) -> bool:
        return self.ears is not None and self.ears.call == call

    def feed(self, report: Report) -> str:
        """Take a report; returns what the operator is to be told of it, if anything."""
        # Late, since without sound nothing of it need be loaded.
        from console.sound import protocol

        match report:
            case protocol.Level():
                self.levels.append((report.microphone, report.speaker))
                self._moved = True
                return ""
            case protocol.Counters():
                self.counters, self._moved = report, True
                return ""
            case protocol.PhoneStats():
                self.phone.stats, self._moved = report, True
                return ""
            case protocol.ListeningStats():
                if self.ears is not None and self.ears.call == report.call:
                    self.ears.stats, self._moved = report, True
                return ""
            case protocol.Playing():
                return self._playing(report)
            case _:
                told = self._told(report)
                self._changed()
                return told

    def down(self, problem: str = "", fix: str = "") -> None:
        """The sound process is gone: nothing is open in the next one."""
        self.problem, self.fix = problem, fix
        self.phase, self.devices, self.lost, self.played = "down", None, {}, None
        if self.ears is not None:
            self.ears.open, self.ears.stats = False, None
        self.phone, self.counters = Softphone(since=self._clock()), None
        self.levels.clear()
        self._changed()

    def _told(self, report: Report) -> str:
        from console.sound import protocol

        match report:
            case protocol.Ready():
                self.phase = "up"
                self.problem = self.fix = ""
            case protocol.Devices():
                self.devices, self.problem, self.fix = report, report.problem, report.fix
                return _sentence(report.problem, report.fix)
            case protocol.DeviceChanged():
                return self._device(report)
            case protocol.Phone():
                return self._phone(report)
            case protocol.PhoneKey():
                self.phone.keys.append(("in", report.digit))
            case protocol.Listening():
                return self._listening(report)
            case protocol.Trouble():
                return _sentence(report.message, report.fix)
            case _:
                pass
        return ""

    def _device(self, report: protocol.DeviceChanged) -> str:
        if report.state in ("open", "back", "closed"):
            self.lost.pop(report.kind, None)
            if report.state == "closed":
                return ""
            self.problem = self.fix = ""
        else:
            self.lost[report.kind] = report
            self.problem, self.fix = report.message, report.fix
        return "" if report.state == "open" else _sentence(report.message, report.fix)

    def _phone(self, report: protocol.Phone) -> str:
        before, self.phone.report = self.phone.report, report
        if before is None or before.state != report.state:
            self.phone.since = self._clock()
        if report.state in ("dialling", "ringing"):
            self.phone.keys.clear()
            self.phone.muted, self.phone.stats = False, None
        return report.message

    def _listening(self, report: protocol.Listening) -> str:
        ears = self.ears
        if ears is None or ears.call != report.call:
            return report.message
        if report.state == "closed":
            self.ears = None
        else:
            ears.open, ears.speaking = report.state == "open", report.speaking
        return report.message

    def _playing(self, report: protocol.Playing) -> str:
        played = self.played
        if played is None:
            return report.message
        if report.state == "closed":
            self.played = None
            self._changed()
            return report.message
        if played.state != report.state:
            self._changed()
        played.state, played.at_ms, played.length_ms = report.state, report.at_ms, report.length_ms
        played.speed, self._moved = report.speed, True
        return report.message


def _sentence(message: str, fix: str) -> str:
    return f"{message.rstrip()} {fix}".strip() if message else ""
