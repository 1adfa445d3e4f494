"""Session descriptions: what the trunk offers and how it answers offers. Pure.

Telnyx's default codecs that are played here: G722, G711U and G711A, and telephone-event (RFC 4733).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import Final

from aiosipua import Codec as SdpCodec
from aiosipua import MediaDescription, SdpMessage, SdpNegotiationError, build_sdp, negotiate_sdp

from simulator.telnyx.media.options import Codec

PAYLOAD_TYPES: Final[dict[Codec, int]] = {"PCMU": 0, "PCMA": 8, "G722": 9}
_KEYS: Final = 101
"""The payload type of telephone-event in our own offers."""
_NAME: Final = "Telnyx"


class NoCommonCodec(Exception):
    """Nothing in the offer or the answer can be played here; the text says what was there, in one sentence."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides of a call send. `keys` is the payload type of telephone-event, None without.

    `remote` is where audio goes, an IPv4 address; `sends` is False while the far end wants none, as on hold.
    """

    codec: Codec
    keys: int | None
    remote: tuple[str, int]
    sends: bool = True


def chosen(offer: SdpMessage, wanted: Sequence[Codec] = ()) -> Codec:
    """The first of `wanted` that is offered, else the offer's first that can be played. Raises NoCommonCodec."""
    offered: list[Codec] = [codec for codec in map(_known, _audio(offer).codecs) if codec is not None]
    for codec in wanted:
        if codec in offered:
            return codec
    if offered:
        return offered[0]
    names = ", ".join(codec.encoding_name or str(codec.payload_type) for codec in _audio(offer).codecs)
    raise NoCommonCodec(f"The far end speaks {names[:120]!r}, none of PCMU, PCMA and G722.")


def answered(offer: SdpMessage, codec: Codec, host: str, port: int, session: str) -> tuple[SdpMessage, Agreed]:
    """Our answer and what is agreed by it. Raises NoCommonCodec."""
    keys = _telephone_event(offer)
    try:
        answer, _ = negotiate_sdp(
            offer,
            host,
            port,
            supported_codecs=[PAYLOAD_TYPES[codec]],
            # aiosipua would name its own number for keys, whatever was offered.
            dtmf_payload_type=keys or 0,
            session_id=session,
            session_name=_NAME,
        )
    except SdpNegotiationError as error:
        raise NoCommonCodec(str(error)) from error
    audio = _audio(answer)
    audio.attributes["ptime"] = ["20"]
    return answer, _agreed(offer, codec, keys, audio.direction)


def offered(codecs: Sequence[Codec], host: str, port: int, session: str) -> SdpMessage:
    """Our offer, the codec that is liked best first."""
    first = codecs[0]
    offer = build_sdp(host, port, PAYLOAD_TYPES[first], first, dtmf_payload_type=_KEYS, session_id=session)
    offer.session_name = _NAME
    audio = _audio(offer)
    for codec in codecs[1:]:
        number = PAYLOAD_TYPES[codec]
        audio.formats.insert(-1, str(number))
        audio.attributes["rtpmap"].insert(-1, f"{number} {codec}/8000")
    return offer


def agreed(answer: SdpMessage | None) -> Agreed:
    """What an answer to our offer says. Raises NoCommonCodec."""
    if answer is None:
        raise NoCommonCodec("The far end answered without a session description.")
    keys = _telephone_event(answer)
    mirrored = {"sendonly": "recvonly", "recvonly": "sendonly"}
    direction = _audio(answer).direction
    return _agreed(answer, chosen(answer), keys, mirrored.get(direction, direction))


def _agreed(far: SdpMessage, codec: Codec, keys: int | None, direction: str) -> Agreed:
    """`direction` is seen from the trunk."""
    remote = far.rtp_address
    # Reports go to the port above it.
    if remote is None or not 0 < remote[1] < 65_535:
        raise NoCommonCodec("The far end does not say where its audio goes.")
    try:
        # A name would have to be looked up for every packet.
        address = IPv4Address(remote[0])
    except AddressValueError:
        raise NoCommonCodec("The far end's audio goes to an address that is not IPv4.") from None
    # 0.0.0.0 is how RFC 2543 put a call on hold.
    sends = direction in ("sendrecv", "sendonly") and not address.is_unspecified
    return Agreed(codec, keys, remote, sends)


def _audio(description: SdpMessage) -> MediaDescription:
    if description.audio is None:
        raise NoCommonCodec("The far end offers no audio.")
    if description.audio.proto != "RTP/AVP":
        raise NoCommonCodec(f"The far end wants {description.audio.proto[:40]!r}, not RTP/AVP.")
    return description.audio


def _known(codec: SdpCodec) -> Codec | None:
    for name, number in PAYLOAD_TYPES.items():
        if codec.payload_type == number:
            return name
    return None


def _telephone_event(description: SdpMessage) -> int | None:
    for codec in _audio(description).codecs:
        named = codec.encoding_name.lower() == "telephone-event" and codec.clock_rate == 8000
        if named and 0 < codec.payload_type < 128:
            return codec.payload_type
    return None
