"""What the console orders of the sound process and what that reports: one JSON object with a ``type`` a line.

Orders go to its standard input, reports come from its standard output. Tokens and addresses travel here and
never on a command line. Loudness is in dBFS, -90 for silence; times are milliseconds.
"""

from __future__ import annotations

from typing import Any, Literal, Union

import msgspec

Kind = Literal["microphone", "speaker"]
Backend = Literal["", "sounddevice", "miniaudio", "none"]
Echo = Literal["auto", "on", "off"]


class Order(msgspec.Struct, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """From the console."""


class Configure(Order, tag="configure"):
    """Which devices, by name or a part of it that only one has; empty is the system's own choice. ``backend``
    empty takes sounddevice, or miniaudio where PortAudio is missing. ``echo`` auto cancels the speaker's echo
    unless the speaker is a ``headset`` (None: as its name says). May come again at any time.

    ``microphone_file`` is a sound file that is heard once in place of a microphone, from when one is wanted;
    :class:`DeviceChanged` tells its end. ``speaker_file`` is a WAV that gets what would be played, and no speaker
    opens."""

    microphone: str = ""
    speaker: str = ""
    backend: Backend = ""
    echo: Echo = "auto"
    headset: bool | None = None
    microphone_file: str = ""
    speaker_file: str = ""


class ListDevices(Order, tag="devices"):
    """Look for devices anew; :class:`Devices` answers."""


class MeasureEcho(Order, tag="measure_echo"):
    """:class:`EchoMeasured` answers. ``real`` plays speech on the speaker and hears it with the microphone;
    without it the room is computed and no device is touched."""

    real: bool = False


class OpenPhone(Order, tag="open_phone"):
    """Register the softphone at the simulator (its address and token) to be called at ``number``; ``order`` is
    what :meth:`console.caller.Caller.order` makes for those calls: codec, faults, noise, record."""

    url: str
    token: str
    number: str
    order: dict[str, Any] = {}


class ClosePhone(Order, tag="close_phone"):
    """Hang up and register no more."""


class Dial(Order, tag="dial"):
    """Call from the softphone: ``order`` is what the simulator's phone takes as a dial (``to``,
    ``texml_url``…)."""

    order: dict[str, Any]


class Accept(Order, tag="accept"):
    """Take the call that rings."""


class Decline(Order, tag="decline"):
    """Do not take the call that rings."""


class HangUp(Order, tag="hang_up"):
    """End the softphone's call."""


class Key(Order, tag="key"):
    """Press a key of the softphone: one of 0-9, A-D, * and #."""

    digit: str


class Hold(Order, tag="hold"):
    """The softphone sends silence, or the microphone again."""

    on: bool


class Listen(Order, tag="listen"):
    """Play a live call of the agent whose API is at ``url``; ``who`` is the operator. ``mix`` is both voices in
    both ears, ``split`` the caller left and the agent right. ``line`` is what carries the call: where that is
    livekit it is heard in its room, with a pass that the agent gives, unless the agent gives none."""

    url: str
    token: str
    call: str
    who: str
    line: Literal["telnyx", "livekit"] = "telnyx"
    ears: Literal["mix", "split"] = "mix"


class Unlisten(Order, tag="unlisten"):
    """Listen no more, and speak no more."""

    call: str


class Speak(Order, tag="speak"):
    """Where the microphone goes in a call that is listened to; see :class:`agent.audio_wire.Speak`."""

    call: str
    to: Literal["nobody", "caller", "agent"]


class Play(Order, tag="play"):
    """Play a recording from ``from_ms``: a ``file``, or the one at ``url`` with ``token``."""

    file: str = ""
    url: str = ""
    token: str = ""
    from_ms: int = 0
    speed: float = 1.0


class Player(Order, tag="player"):
    """Change what is played; what is left out stays. ``speed`` is 1 to 2, the pitch stays."""

    paused: bool | None = None
    at_ms: int | None = None
    speed: float | None = None


class StopPlaying(Order, tag="stop_playing"):
    """Close the recording."""


class Meter(Order, tag="meter"):
    """Open the microphone for its :class:`Level` alone, or no more."""

    on: bool


class Report(msgspec.Struct, kw_only=True, tag_field="type"):
    """From the sound process."""


class Ready(Report, tag="ready"):
    """The process takes orders."""

    pid: int
    version: str


class Device(msgspec.Struct):
    """``api`` is the system's sound interface, such as ALSA or Core Audio."""

    name: str
    api: str
    microphone: bool
    speaker: bool
    default_microphone: bool = False
    default_speaker: bool = False
    headset: bool = False


class Devices(Report, tag="devices"):
    """What there is and what is used now, empty for none. ``problem`` says in a sentence why there is none or
    why a named one was not found, and ``fix`` what to do, such as the line that installs PortAudio."""

    backend: Backend
    devices: list[Device]
    microphone: str = ""
    speaker: str = ""
    echo: bool = False
    problem: str = ""
    fix: str = ""


class DeviceChanged(Report, tag="device"):
    """A device opened, fell silent without an error, was lost, or is back. The call goes on meanwhile."""

    kind: Kind
    state: Literal["open", "silent", "lost", "back", "missing", "closed"]
    name: str
    message: str = ""
    fix: str = ""


class Level(Report, tag="level"):
    """Ten times a second while a device is open: the loudest of the time since the last one."""

    microphone: int = -90
    speaker: int = -90


class Counters(Report, tag="counters"):
    """Once a second while a device is open, counted since it was opened. ``filled_ms`` is silence that was
    played because nothing had come in time, ``dropped_ms`` microphone audio that nobody took in time. The
    latencies are what the device says of itself. ``echo_db`` is the echo return loss enhancement now, None
    without an echo. ``clock_late_ms`` is the most that the clock was late in this second, ``skipped_ms`` what it
    left out after stalls."""

    filled_ms: int = 0
    dropped_ms: int = 0
    underruns: int = 0
    overruns: int = 0
    microphone_ms: int = 0
    speaker_ms: int = 0
    echo_db: float | None = None
    clock_late_ms: float = 0.0
    skipped_ms: int = 0


class EchoMeasured(Report, tag="echo"):
    """The echo return loss enhancement in dB: how much quieter the echo is after the canceller. ``before_db`` is
    how loud the echo came back, against what was played; ``near_loss_db`` how much quieter a voice comes through
    that speaks at the same time (0 with ``real``, where nobody does). ``problem`` says why it could not be
    measured."""

    real: bool
    erle_db: float = 0.0
    before_db: float = 0.0
    near_loss_db: float = 0.0
    problem: str = ""
    fix: str = ""


class Phone(Report, tag="phone"):
    """What the softphone does. ``codec`` and ``rate`` in hertz are those of the line, once talking; ``cause``
    and ``source`` those of the end; ``message`` says what went wrong."""

    state: Literal["off", "registered", "dialling", "ringing", "talking", "ended"]
    call_control_id: str = ""
    from_number: str = ""
    to_number: str = ""
    codec: str = ""
    rate: int = 0
    cause: str = ""
    source: str = ""
    message: str = ""


class PhoneStats(Report, tag="phone_stats"):
    """Once a second in a call. ``round_trip_ms`` to the simulator and back, ``buffer_ms`` in the jitter buffer,
    ``delay_ms`` from the wire to the speaker: jitter buffer, conversion and device; ``lost`` and ``late`` are
    20 ms frames since the call was answered, of the ear, and ``microphone_lost`` and ``_late`` what the simulator
    missed of the microphone. ``level_in`` is the microphone's, ``level_out`` the ear's."""

    round_trip_ms: float = 0.0
    jitter_ms: float = 0.0
    buffer_ms: int = 0
    delay_ms: int = 0
    lost: int = 0
    late: int = 0
    level_in: int = -90
    level_out: int = -90
    microphone_lost: int = 0
    microphone_late: int = 0


class PhoneKey(Report, tag="phone_key"):
    """The agent sent a key to the softphone."""

    digit: str


class Listening(Report, tag="listening"):
    """A call is listened to, or no more. ``speaking`` is where the microphone goes."""

    call: str
    state: Literal["open", "closed", "lost"]
    speaking: Literal["nobody", "caller", "agent"] = "nobody"
    message: str = ""


class ListeningStats(Report, tag="listening_stats"):
    """Once a second: how far the ears are behind the wire, and what was missed. ``estimated``: the agent's clock
    is another machine's, so half the round trip stands for the way."""

    call: str
    behind_ms: int
    buffer_ms: int
    estimated: bool = False
    lost_ms: int = 0
    level_caller: int = -90
    level_agent: int = -90


class Playing(Report, tag="playing"):
    """Ten times a second while a recording plays, and whenever that changes. ``state`` over: its end was reached,
    and it is still open."""

    state: Literal["playing", "paused", "over", "closed"]
    at_ms: int
    length_ms: int
    speed: float = 1.0
    message: str = ""


class Trouble(Report, tag="trouble"):
    """Something failed: what happened in one sentence, and what to do."""

    message: str
    fix: str = ""


ORDERS = tuple(Order.__subclasses__())
REPORTS = tuple(Report.__subclasses__())

_encoder = msgspec.json.Encoder()
_orders: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Union[ORDERS])  # noqa: UP007
_reports: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Union[REPORTS])  # noqa: UP007


def encode(message: Order | Report) -> bytes:
    """One line, with its end."""
    return _encoder.encode(message) + b"\n"


def decode_order(line: bytes) -> Order:
    """Raises ValueError for what is no order."""
    try:
        return _orders.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(f"not an order: {error}") from error


def decode_report(line: bytes) -> Report:
    """Raises ValueError for what is no report."""
    try:
        return _reports.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a report: {error}") from error
