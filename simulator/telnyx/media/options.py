"""What an application asks of a media stream, by Call Control parameters or by TeXML attributes. Pure.

Source: Telnyx, "Media Streaming over WebSockets", TeXML "Stream"; types of the telnyx package 4.189.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

Codec = Literal["PCMU", "PCMA"]
Track = Literal["inbound_track", "outbound_track", "both_tracks"]
Mode = Literal["mp3", "rtp"]
Legs = Literal["both", "self", "opposite"]

CODECS: Final = ("PCMU", "PCMA")
"""What the simulated line carries; Telnyx also knows the codecs below."""
OTHER_CODECS: Final = ("G722", "OPUS", "AMR-WB", "L16")
TRACKS: Final = ("inbound_track", "outbound_track", "both_tracks")
MODES: Final = ("mp3", "rtp")
LEGS: Final = ("both", "self", "opposite")


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """`codec` None means `default`: whatever the phone leg negotiated."""

    url: str
    track: Track = "inbound_track"
    codec: Codec | None = None
    mode: Mode = "mp3"
    send_codec: Codec = "PCMU"
    target_legs: Legs = "self"
    auth_token: str | None = None
    name: str = ""
    custom_parameters: dict[str, str] = field(default_factory=dict[str, str])
    status_callback: str | None = None
    status_callback_method: Literal["GET", "POST"] = "POST"

    def codec_of(self, leg_codec: Codec) -> Codec:
        """The codec of Telnyx → application audio on a leg that negotiated `leg_codec`."""
        return self.codec or leg_codec

    def silent_because(self) -> str | None:
        """Why the caller will hear nothing of the application's audio, or None when it is audible."""
        if self.mode == "mp3":
            return (
                "The caller hears nothing: the bidirectional mode is mp3, Telnyx's default, so audio frames are "
                'read as MP3 files; set stream_bidirectional_mode (TeXML: bidirectionalMode) to "rtp".'
            )
        if self.target_legs == "opposite":
            return (
                "The caller hears nothing: stream_bidirectional_target_legs is opposite, Telnyx's default, and "
                'this call has no opposite leg; set it to "self".'
            )
        return None


def codec_name(value: str) -> Codec | None:
    """`value` as a codec of the simulated line, or None."""
    return value if value in CODECS else None
