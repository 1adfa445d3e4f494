"""Who answers at the magic numbers, as payment sandboxes have magic cards. Pure.

+1 555 010 1xxx is about whether and when there is an answer, 2xxx about dials that are refused, 3xxx about who
answers, 4xxx about the line. docs/numbers.md lists them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from simulator.caller import people, refusal
from simulator.caller.file_party import AudioFile
from simulator.caller.parties import PartySpec, party_for
from simulator.caller.party import Party
from simulator.caller.refusal import Refusal
from simulator.caller.silent_party import Silent
from simulator.line.plan import LineFaultPlan
from simulator.speech.services import SpeechServices
from simulator.telnyx.facts import Hangup
from simulator.telnyx.media.options import Codec

Kind = Literal["human_residence", "human_business", "machine", "fax", "silence"]

_PREFIX: Final = "+1555010"
_RING_MS: Final = 1000
_TIMED: Final = 100
"""Answering and dropping take their last two digits as seconds."""
_ANSWERS: Final = 1000
_DROPS: Final = 4000


@dataclass(frozen=True, slots=True)
class Preset:
    """Who is at a number. `number` is empty for one that has none.

    `refusal`: the dial is refused, and nothing rings.
    `ring_ms` None: it rings until the dial's own timeout.
    `outcome`: how the leg ends after ringing, without an answer; None when `who` answers.
    `kind`: what answering machine detection takes it for.
    `drop_after_ms`: the network loses the call so long after the answer.
    """

    name: str
    number: str
    summary: str
    who: PartySpec = people.RESIDENCE
    kind: Kind = "human_residence"
    ring_ms: int | None = _RING_MS
    outcome: Hangup | None = None
    refusal: Refusal | None = None
    faults: LineFaultPlan | None = None
    drop_after_ms: int | None = None
    codec: Codec | None = None

    def party(self, speech: SpeechServices, otherwise: Codec = "PCMU") -> Party:
        """A new party for one call; `otherwise` is its codec when neither the preset nor its script names one."""
        return party_for(self.who, speech, self.codec, otherwise)


def preset_for(number: str) -> Preset | None:
    """The preset of a magic number, `number` being +E.164; None for any other number."""
    known = _BY_NUMBER.get(number)
    if known is not None or not number.startswith(_PREFIX):
        return known
    rest = number.removeprefix(_PREFIX)
    if len(rest) != 4 or not (rest.isascii() and rest.isdigit()):
        return None
    block, seconds = divmod(int(rest), _TIMED)
    if block * _TIMED == _ANSWERS:
        return answers_after(seconds)
    return drops_after(seconds) if block * _TIMED == _DROPS else None


def answers_after(seconds: int) -> Preset:
    """0 to 99."""
    name = f"answers-after-{seconds}" if seconds else "answers"
    when = f"after {seconds} s of ringing" if seconds else "at once"
    return Preset(name, _number(_ANSWERS + seconds), f"A person answers {when}.", ring_ms=seconds * 1000)


def drops_after(seconds: int) -> Preset:
    """0 to 99."""
    return Preset(
        f"drops-after-{seconds}",
        _number(_DROPS + seconds),
        f"A person answers, and the carrier loses the call after {seconds} s.",
        drop_after_ms=seconds * 1000,
    )


def file_preset(path: Path, codec: Codec | None = None, *, loop: bool = False) -> Preset:
    """Somebody who plays a WAV file."""
    return Preset(f"file:{path.name}", "", f"{path.name} is played.", AudioFile(path, loop=loop), codec=codec)


def _number(last: int) -> str:
    return f"{_PREFIX}{last:04}"


def _not_answered(name: str, last: int, summary: str, outcome: Hangup, ring_ms: int = _RING_MS) -> Preset:
    return Preset(name, _number(last), summary, ring_ms=ring_ms, outcome=outcome)


def _refused(name: str, last: int, summary: str, why: Refusal) -> Preset:
    return Preset(name, _number(last), summary, refusal=why)


def _person(name: str, last: int, summary: str, who: PartySpec, kind: Kind) -> Preset:
    return Preset(name, _number(last), summary, who, kind)


def _line(name: str, last: int, summary: str, faults: LineFaultPlan, who: PartySpec = people.RESIDENCE) -> Preset:
    return Preset(name, _number(last), summary, who, faults=faults)


_ALL: Final = (
    *(answers_after(seconds) for seconds in (0, 1, 2, 5, 10, 20)),
    Preset("no-answer", _number(1408), "It rings until the dial gives up.", ring_ms=None),
    _not_answered(
        "rings-out",
        1180,
        "It rings for 20 s, then the network gives up.",
        Hangup("no_answer", "callee", "480"),
        20_000,
    ),
    _not_answered("busy", 1486, "The line is busy.", Hangup("user_busy", "callee", "486")),
    _not_answered("declined", 1603, "The call is declined.", Hangup("call_rejected", "callee", "603")),
    _not_answered("number-unknown", 1404, "There is no such number.", Hangup("not_found", "callee", "404"), 0),
    _not_answered("unavailable", 1480, "The telephone is switched off.", Hangup("no_answer", "callee", "480"), 0),
    _not_answered(
        "carrier-failure", 1503, "The carrier fails to route.", Hangup("unspecified", "unknown", "503"), 0
    ),
    _refused("user-channels", 2001, "D1: too many calls of the account.", refusal.USER_CHANNELS),
    _refused("country-not-allowed", 2013, "D13: a country that is not allowed.", refusal.COUNTRY),
    _refused("unverified-number", 2051, "D51: the calling number is not verified.", refusal.UNVERIFIED),
    _refused("insufficient-funds", 2402, "The account has no money left.", refusal.FUNDS),
    _refused("rate-limited", 2429, "Too many requests.", refusal.RATE),
    _person("residence", 3001, "A person at home: “Hello?”", people.RESIDENCE, "human_residence"),
    _person("business", 3002, "A person at work: “Acme, how can I help you?”", people.BUSINESS, "human_business"),
    _person("voicemail", 3003, "A greeting, a beep, then it records.", people.VOICEMAIL, "machine"),
    _person("voicemail-no-beep", 3004, "A greeting, then it records.", people.VOICEMAIL_WITHOUT_BEEP, "machine"),
    _person("fax", 3005, "A fax machine: 2100 Hz, then data tones.", people.FAX, "fax"),
    _person("silence", 3006, "Somebody answers and says nothing.", Silent(), "silence"),
    _person("menu", 3007, "A menu of two levels that reacts to keys.", people.MENU, "machine"),
    _person("hold", 3008, "Hold music for 14 s, then a person at work.", people.HOLD, "machine"),
    _person(
        "call-screening", 3009, "An assistant asks who is calling, then a person.", people.SCREENING, "machine"
    ),
    *(drops_after(seconds) for seconds in (5, 15)),
    _line(
        "hears-nothing",
        4101,
        "A person who hears nothing.",
        LineFaultPlan(one_way="to_caller"),
        people.HEARS_NOTHING,
    ),
    _line("not-heard", 4102, "A person who is not heard.", LineFaultPlan(one_way="to_agent")),
    _line("jitter", 4103, "Packets up to 120 ms late.", LineFaultPlan(jitter_ms=120, seed=1)),
    _line("loss", 4104, "5 % of packets lost.", LineFaultPlan(loss=0.05, seed=1)),
    _line(
        "burst-loss",
        4105,
        "5 % of packets lost, ten in a row.",
        LineFaultPlan(burst_loss=0.05, burst_length=10, seed=1),
    ),
    _line("reordering", 4106, "5 % of packets overtaken.", LineFaultPlan(reorder=0.05, seed=1)),
    _line("clock-drift", 4107, "A clock 200 ppm fast.", LineFaultPlan(drift_ppm=200)),
    _line(
        "stall", 4108, "The media socket stalls for 2 s after 5 s.", LineFaultPlan(stall_at_ms=5000, stall_ms=2000)
    ),
    _line("socket-drop", 4109, "The media socket is reset after 5 s.", LineFaultPlan(drop_at_ms=5000)),
    _line(
        "socket-stop",
        4110,
        "The media socket is stopped and closed after 5 s.",
        LineFaultPlan(drop_at_ms=5000, drop_stop=True),
    ),
)

PRESETS: Final[dict[str, Preset]] = {preset.name: preset for preset in _ALL}
_BY_NUMBER: Final = {preset.number: preset for preset in _ALL}
