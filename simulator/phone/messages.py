"""What passes over ``WS /sim/phone`` (bearer token, as everything below /sim): text, one JSON object each, and
audio.

A binary message is audio: a head of 12 bytes, big-endian, and int16 little-endian mono samples, 20 ms of them
at the ``rate`` of :class:`Answered`::

    channel u8 (0 the telephone's microphone, 1 its ear) · flags u8 (0) · hertz / 100 u16 · at u64

``at`` is the sender's monotonic time in microseconds. The phone sends channel 0, the simulator channel 1, each
in its own pace: the call's clock is the simulator's wheel, and what comes late or never is silence. One call at
a time.
"""

from __future__ import annotations

import struct
from time import monotonic_ns
from typing import Annotated, Any, Final, Literal, Union

import msgspec
import numpy as np

from simulator.audio import FRAME_MS, Samples

MICROPHONE: Final = 0
EAR: Final = 1
HEAD: Final = struct.Struct("!BBHQ")


class FromPhone(msgspec.Struct, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """From the softphone."""


class Register(FromPhone, tag="register"):
    """Calls to ``number`` (E.164) ring here from now on, in place of whoever else would answer.

    ``order``: what `simulator.control.orders.NumberOrder` takes, without who answers: codec, faults, noise…
    """

    number: str
    order: dict[str, Any] = {}


class Dial(FromPhone, tag="dial"):
    """Call: what `simulator.control.orders.CallOrder` takes, without who calls."""

    order: dict[str, Any]


class Accept(FromPhone, tag="accept"):
    """Pick up."""


class Decline(FromPhone, tag="decline"):
    """Do not pick up: the caller hears busy."""


class HangUp(FromPhone, tag="hang_up"):
    """End the call, or stop dialling."""


class Key(FromPhone, tag="key"):
    """One of 0-9, A-D, * and #."""

    digit: str


class Ping(FromPhone, tag="ping"):
    """:class:`Pong` answers at once; for the round trip. A phone that sends nothing at all for 30 s of a call
    counts as gone."""

    id: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class ToPhone(msgspec.Struct, kw_only=True, tag_field="type"):
    """To the softphone."""


class Registered(ToPhone, tag="registered"):
    number: str


class Ringing(ToPhone, tag="ringing"):
    """Somebody calls; :class:`Accept` or :class:`Decline`."""

    call_control_id: str
    from_number: str
    to_number: str


class Dialling(ToPhone, tag="dialling"):
    """The order was taken."""

    call_control_id: str
    from_number: str
    to_number: str


class Answered(ToPhone, tag="answered"):
    """Audio flows from now on, at ``rate`` hertz."""

    call_control_id: str
    codec: str
    rate: int


class KeyArrived(ToPhone, tag="key"):
    """The application sent a key."""

    digit: str


class Ended(ToPhone, tag="ended"):
    """The call is over, by the ``source`` (caller, callee, unknown) with Telnyx's hang-up ``cause``. ``message``
    says in a sentence what went wrong on the way, such as TeXML that could not be fetched; else it is empty."""

    call_control_id: str
    cause: str
    source: str
    message: str = ""


class Stats(ToPhone, tag="stats"):
    """Once a second in a call: of the microphone's audio, what waited in the jitter buffer, was missing when it
    was due, or came too late to be used."""

    buffer_ms: int
    jitter_ms: float
    lost: int
    late: int


class Pong(ToPhone, tag="pong"):
    id: int


class Refused(ToPhone, tag="refused"):
    """What was asked cannot be done; one sentence. ``of`` is the type of the message."""

    of: Literal["register", "dial", "accept", "decline", "key", "message"]
    message: str


_KINDS = tuple(FromPhone.__subclasses__())
_decoder: msgspec.json.Decoder[FromPhone] = msgspec.json.Decoder(Union[_KINDS])  # noqa: UP007
_encoder = msgspec.json.Encoder()


def decode(text: str) -> FromPhone:
    """Raises ValueError in one sentence."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"The message is not valid: {error}.") from None


def encode(message: ToPhone) -> str:
    return _encoder.encode(message).decode()


def ear_frame(samples: Samples | None, rate: int) -> bytes:
    """20 ms for the ear; None is silence."""
    head = HEAD.pack(EAR, 0, rate // 100, monotonic_ns() // 1000)
    if samples is None:
        return head + bytes(2 * rate * FRAME_MS // 1000)
    return head + samples.astype("<i2", copy=False).tobytes()


def microphone(message: bytes, rate: int) -> tuple[Samples, float]:
    """The 20 ms of a frame from the microphone of a call at `rate`, and when they were sent, in seconds.

    Raises ValueError in one sentence.
    """
    length = HEAD.size + 2 * rate * FRAME_MS // 1000
    if len(message) != length:
        raise ValueError(f"A frame of 20 ms at {rate} Hz has {length} bytes, not {len(message)}.")
    channel, flags, hundreds, at = HEAD.unpack_from(message)
    if (channel, flags, hundreds) != (MICROPHONE, 0, rate // 100):
        raise ValueError(
            f"The frame's channel {channel}, flags {flags} and {hundreds * 100} Hz are not those of the call's "
            f"microphone: {MICROPHONE}, 0 and {rate} Hz."
        )
    return np.frombuffer(message, "<i2", offset=HEAD.size).astype(np.int16), at / 1e6
