"""What an application did that Telnyx does not allow, or that will not work on a real line; each with its fix."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

_MAX_DETAILS: Final = 5

Severity = Literal["error", "warning"]


class Rule(Enum):
    """Name = (what happened, what to do), one sentence each."""

    MP3_MODE = (
        "The bidirectional mode is mp3, Telnyx's default, and what was sent is not an MP3 file, so the caller "
        "hears nothing.",
        'Set stream_bidirectional_mode (TeXML: bidirectionalMode) to "rtp".',
    )
    WRONG_LEG = (
        "The target leg is opposite, Telnyx's default, and this call has no opposite leg, so the caller hears "
        "nothing.",
        'Set stream_bidirectional_target_legs to "self".',
    )
    WSS_ON_PLAIN_PORT = (
        "The stream's address says wss, and its port on this machine speaks plain ws, so ws was used.",
        "Give Telnyx a wss address with a certificate behind it, such as that of a tunnel or a proxy.",
    )
    SHORT_CHUNK = (
        "A media message carried less than 20 ms of audio.",
        "Send 20 ms to 30 s of audio per media message.",
    )
    ODD_CHUNK = (
        "A media message was not a whole number of 20 ms frames, so the end of it is a frame with a gap.",
        "Cut audio at multiples of 20 ms (160 bytes of PCMU, PCMA or G722) and pad the last piece with silence.",
    )
    LONG_CHUNK = (
        "A media message carried more than 30 s of audio and was refused with error 100004.",
        "Send 20 ms to 30 s of audio per media message.",
    )
    INVALID_PAYLOAD = (
        "A media payload could not be taken as audio and was refused with error 100004.",
        "Send media.payload as standard base64 of whole samples of stream_bidirectional_codec.",
    )
    MALFORMED_FRAME = (
        "A message was not a frame that Telnyx knows and was refused with error 100003.",
        'Send JSON text with "event" media, mark or clear, and their fields.',
    )
    BINARY_FRAME = (
        "A binary WebSocket message was sent and was refused with error 100003.",
        "Send audio as base64 in JSON text messages; Telnyx takes no raw bytes.",
    )
    MEDIA_AFTER_STOP = (
        "Media kept coming after the stop frame.",
        "Stop sending when the stop frame arrives; the call is over, or streaming_stop was asked for.",
    )
    WRONG_CODEC = (
        "The audio makes sense in another codec than the one that was asked for, so the caller hears noise.",
        "Encode what you send as stream_bidirectional_codec says, or change that parameter.",
    )
    WAV_HEADER = (
        "A media payload began with a file header, which is played as a click, and its audio perhaps as noise.",
        "Send raw codec bytes: strip the header of a WAV or MP3 file and convert its samples.",
    )
    WRONG_RATE = (
        "Audio arrived steadily faster or slower than it plays, as it does when its sample rate is not the one "
        "that was asked for.",
        "Resample to the codec's rate: 8000 Hz for PCMU and PCMA, stream_bidirectional_sampling_rate for L16.",
    )
    FLOOD = (
        "More was sent than can wait, such as ten minutes of audio that is not played yet, so the rest was lost.",
        "Send audio at about the pace at which it plays.",
    )
    MP3_TOO_OFTEN = (
        "MP3 files came faster than one per second, so some were refused with error 100005.",
        'Send one media message per second at most, or set stream_bidirectional_mode to "rtp".',
    )
    SLOW_READER = (
        "The application did not read its media WebSocket, so frames were lost.",
        "Read the socket without waiting for other work; queue what takes long.",
    )
    LATE_WEBHOOK_ANSWER = (
        "A webhook or callback was not answered in time (2 s unless the application's settings say otherwise), "
        "so Telnyx sends it again.",
        "Answer 200 at once and do the work afterwards; tell repeated events by their id.",
    )
    SLOW_WEBHOOK_ANSWER = (
        "A webhook or callback was answered after more than half of the time Telnyx gives, and the way there and "
        "back comes on top.",
        "Answer 200 at once and do the work afterwards.",
    )
    WEBHOOK_REFUSED = (
        "A webhook or callback was answered with something else than a 2xx status.",
        "Answer 200 to every event, also to those the application does not use.",
    )
    WEBHOOK_UNREACHABLE = (
        "A webhook or callback could not be delivered: the connection failed.",
        "Check the address that Telnyx was given, and that the application listens there.",
    )
    UNSIGNED_ACCEPTED = (
        "The application took a webhook that Telnyx did not sign.",
        "Verify telnyx-signature-ed25519 and telnyx-timestamp with the public key, and answer 401 when they fail.",
    )

    @property
    def severity(self) -> Severity:
        """`warning` for what works here and may hurt on a real line, `error` for what breaks a call."""
        return "warning" if self in _WARNINGS else "error"

    @property
    def id(self) -> str:
        return self.name.lower().replace("_", "-")


_WARNINGS: Final = frozenset(
    (
        Rule.WSS_ON_PLAIN_PORT,
        Rule.SHORT_CHUNK,
        Rule.ODD_CHUNK,
        Rule.MEDIA_AFTER_STOP,
        Rule.SLOW_READER,
        Rule.SLOW_WEBHOOK_ANSWER,
        Rule.UNSIGNED_ACCEPTED,
    )
)


@dataclass(slots=True)
class Finding:
    """One rule and how often it was broken; `details` are examples, at most five, each once."""

    rule: Rule
    count: int
    details: list[str]

    def report(self) -> dict[str, Any]:
        what, fix = self.rule.value
        return {
            "rule": self.rule.id,
            "severity": self.rule.severity,
            "what": what,
            "fix": fix,
            "count": self.count,
            "details": self.details,
        }


class Findings:
    """The findings of one call."""

    def __init__(self) -> None:
        self._found: dict[Rule, Finding] = {}

    def note(self, rule: Rule, detail: str = "") -> None:
        finding = self._found.setdefault(rule, Finding(rule, 0, []))
        finding.count += 1
        if detail and len(finding.details) < _MAX_DETAILS and detail not in finding.details:
            finding.details.append(detail)

    def report(self) -> list[dict[str, Any]]:
        return [finding.report() for finding in self._found.values()]

    def __contains__(self, rule: Rule) -> bool:
        return rule in self._found
