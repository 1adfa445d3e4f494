"""Payloads as an application makes them and hears them, by codec."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.audio import Samples, alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from simulator.telnyx.media.ffmpeg import G722Decoder, G722Encoder, OpusDecoder


def decoded(codec: str, payloads: list[bytes]) -> tuple[Samples, int]:
    """What an application would make of the payloads, and its rate."""
    if codec == "OPUS":
        opus = OpusDecoder(16_000)
        return np.concatenate([opus.decode(payload) for payload in payloads]), 16_000
    data = b"".join(payloads)
    match codec:
        case "PCMU":
            return ulaw_decode(data), 8000
        case "PCMA":
            return alaw_decode(data), 8000
        case "G722":
            return G722Decoder().decode(data), 16_000
        case _:
            return np.frombuffer(data, "<i2").astype(np.int16), 16_000


def encoding(codec: str) -> Callable[[Samples], bytes]:
    """Any codec but OPUS, whose payloads are packets."""
    match codec:
        case "PCMU":
            return ulaw_encode
        case "PCMA":
            return alaw_encode
        case "G722":
            return G722Encoder().encode
        case _:
            return lambda samples: samples.tobytes()
