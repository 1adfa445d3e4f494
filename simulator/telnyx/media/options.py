"""What an application asks of a media stream, by Call Control parameters or by TeXML attributes. Pure.

Source: Telnyx, "Media Streaming over WebSockets", TeXML "Stream"; types of the telnyx package 4.189.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

Codec = Literal["PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16"]
Track = Literal["inbound_track", "outbound_track", "both_tracks"]
Mode = Literal["mp3", "rtp"]
Legs = Literal["both", "self", "opposite"]

CODECS: Final = ("PCMU", "PCMA", "G722", "OPUS", "L16")
"""What the simulated line carries."""
WIDEBAND: Final = ("G722", "OPUS", "L16")
OTHER_CODECS: Final = ("AMR-WB",)
"""What Telnyx knows and the simulator refuses: no well-kept library encodes it."""
RATES: Final = (8000, 16_000, 22_050, 24_000, 48_000)
"""Values of `stream_bidirectional_sampling_rate`, in hertz; TeXML takes 8000, 16000 and 24000."""
TRACKS: Final = ("inbound_track", "outbound_track", "both_tracks")
MODES: Final = ("mp3", "rtp")
LEGS: Final = ("both", "self", "opposite")


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """`codec` (Telnyx → application) None means `default`: whatever the phone leg negotiated.

    `send_codec` (application → Telnyx) and `rate`, in hertz, count in `rtp` mode only; `rate` is that of L16, the
    other codecs bring their own. `reconnect`: dial again when the application closes the socket during the call
    (TeXML `enableReconnect`, "true" unless said otherwise; Call Control has no such parameter, so False).
    """

    url: str
    track: Track = "inbound_track"
    codec: Codec | None = None
    mode: Mode = "mp3"
    send_codec: Codec = "PCMU"
    rate: int = 8000
    target_legs: Legs = "self"
    auth_token: str | None = None
    name: str = ""
    custom_parameters: dict[str, str] = field(default_factory=dict[str, str])
    status_callback: str | None = None
    status_callback_method: Literal["GET", "POST"] = "POST"
    reconnect: bool = False
    send_silence_when_idle: bool = False

    @property
    def telephone(self) -> Codec:
        """What a simulated telephone that names no codec negotiates: G722, which is HD voice, when both directions
        are wideband."""
        sends_wideband = self.send_codec == "G722" or (self.send_codec in WIDEBAND and self.rate >= 16_000)
        return "G722" if self.mode == "rtp" and self.codec in WIDEBAND and sends_wideband else "PCMU"

    def codec_of(self, leg_codec: Codec) -> Codec:
        """The codec of Telnyx → application audio on a leg that negotiated `leg_codec`."""
        return self.codec or leg_codec


def codec_name(value: str) -> Codec | None:
    """`value` as a codec of the simulated line, or None."""
    return value if value in CODECS else None
