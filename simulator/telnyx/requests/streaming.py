"""The parameters of a media stream, as dial, answer and streaming_start take them. Pure.

Source: operation DialCall, the answer and streaming_start schemas of Telnyx's OpenAPI document; "Media Streaming
over WebSockets" (rates of each codec).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.media.options import (
    CODECS,
    LEGS,
    MODES,
    OTHER_CODECS,
    RATES,
    TRACKS,
    Codec,
    Legs,
    Mode,
    StreamOptions,
    Track,
)
from simulator.telnyx.requests.common import DIALOGFLOW_CONFIG
from simulator.telnyx.requests.fields import (
    Address,
    Choice,
    Flag,
    Kind,
    Many,
    Object,
    Text,
    WholeChoice,
    below,
    name_of,
)

_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e]+")
_OPUS_RATES: Final = (8000, 16_000)
_FIXED_RATE: Final = ("PCMU", "PCMA", "G722")


class StreamCodec(Choice):
    """A codec of a stream. What Telnyx knows and the simulator cannot encode is refused here and nowhere else."""

    def read(self, value: Any, pointer: str) -> str:
        codec = super().read(value, pointer)
        if codec in OTHER_CODECS:
            detail = (
                f"The simulator has no {codec} encoder: set '{name_of(pointer)}' to one of {', '.join(CODECS)}."
            )
            raise TelnyxError(Code.INVALID_VALUE, detail, pointer)
        return codec


_ALL: Final[dict[str, Kind]] = {
    "stream_url": Address(("ws", "wss"), code=Code.INVALID_VALUE),
    "stream_track": Choice(*TRACKS),
    "stream_codec": StreamCodec(*CODECS, *OTHER_CODECS, "default"),
    "stream_bidirectional_mode": Choice(*MODES),
    "stream_bidirectional_codec": StreamCodec(*CODECS, *OTHER_CODECS),
    "stream_bidirectional_target_legs": Choice(*LEGS),
    "stream_bidirectional_sampling_rate": WholeChoice(*RATES),
    "stream_auth_token": Text(
        limit=4000,
        least=1,
        code=Code.INVALID_VALUE,
        pattern=_HEADER_VALUE,
        wanted="printable ASCII: it is sent as a header",
    ),
}
_NOT_ON_ANSWER: Final = ("stream_bidirectional_sampling_rate", "stream_auth_token")

DIAL_STREAM: Final[dict[str, Kind]] = {
    **_ALL,
    "stream_establish_before_call_originate": Flag(),
    "send_silence_when_idle": Flag(),
}
ANSWER_STREAM: Final[dict[str, Kind]] = {
    **{name: kind for name, kind in _ALL.items() if name not in _NOT_ON_ANSWER},
    "send_silence_when_idle": Flag(),
}
STREAMING_START: Final[dict[str, Kind]] = {
    **_ALL,
    "custom_parameters": Many(Object({"name": Text(), "value": Text()}), most=100),
    "dialogflow_config": DIALOGFLOW_CONFIG,
    "enable_dialogflow": Flag(),
}


def stream_rate(values: Mapping[str, Any], pointer: str) -> None:
    """The rule between codec and rate: OPUS runs at 8000 or 16000 Hz, L16 at any, the others ignore it."""
    rate = values.get("stream_bidirectional_sampling_rate", 8000)
    if values.get("stream_bidirectional_codec") == "OPUS" and rate not in _OPUS_RATES:
        detail = "The stream_bidirectional_sampling_rate of OPUS must be 8000 or 16000."
        raise TelnyxError(Code.INVALID_VALUE, detail, below(pointer, "stream_bidirectional_sampling_rate"))


def stream_options(values: Mapping[str, Any]) -> StreamOptions | None:
    """What checked parameters ask to be streamed; None without `stream_url`."""
    url = values.get("stream_url")
    if url is None:
        return None
    codec = values.get("stream_codec", "default")
    send_codec = values.get("stream_bidirectional_codec", "PCMU")
    rate = 8000 if send_codec in _FIXED_RATE else values.get("stream_bidirectional_sampling_rate", 8000)
    return StreamOptions(
        url=url,
        track=cast("Track", values.get("stream_track", "inbound_track")),
        codec=None if codec == "default" else cast("Codec", codec),
        mode=cast("Mode", values.get("stream_bidirectional_mode", "mp3")),
        send_codec=cast("Codec", send_codec),
        rate=rate,
        # Telnyx's default, which a call with one leg never hears.
        target_legs=cast("Legs", values.get("stream_bidirectional_target_legs", "opposite")),
        auth_token=values.get("stream_auth_token"),
        custom_parameters={
            each["name"]: each.get("value", "") for each in values.get("custom_parameters", ()) if "name" in each
        },
        send_silence_when_idle=values.get("send_silence_when_idle", False),
    )
