"""What a client asks of Rime's voice: the query of a WebSocket, the body of an HTTP request. Pure.

Source: Rime's pages "Websockets JSON" and "Streaming HTTP" of each model, "Playback speed" and "Error reference";
the query that Pipecat 1.14 (`services/rime/tts.py`) and livekit-plugins-rime 1.8.9 (`tts.py`) send. What only
shapes the sound of a neural voice (`temperature`, `top_p`, `repetition_penalty`, `max_tokens`, `reduceLatency`,
`saveOovs`, `noTextNormalization`) is taken and changes nothing; pauses and phonemes in brackets, and
`inlineSpeedAlpha`, are not played.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from simulator.audio import Samples, ulaw_encode
from simulator.rime.catalogue import language_of, model_of, refusal, slower_is_more

log = logging.getLogger(__name__)

Format = Literal["pcm", "mulaw", "wav"]
Segment = Literal["bySentence", "immediate", "never"]

MAX_TEXT: Final = 1000
_LEAST_RATE: Final = 8000
_MOST_RATE: Final = 48000
_WORDS_PER_MINUTE: Final = 165
_SLOWEST, _FASTEST = 0.5, 2.5
_DEFAULT_RATE: Final = {"mist": 22050, "mistv2": 22050}
_FORMATS: Final[dict[str, Format]] = {
    "pcm": "pcm", "l16": "pcm", "mulaw": "mulaw", "pcmu": "mulaw", "wav": "wav",
}  # fmt: skip
_NOT_PLAYED: Final = frozenset({"mp3", "mpeg", "ogg", "webm"})
_UNBOUNDED: Final = 0x7FFFFFFF


class Refused(Exception):
    """Rime's plain text for a request that it does not serve, and the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Voicing:
    """How to speak; `wrong` is what Rime says as soon as there is something to speak. The speed is espeak-ng's."""

    speaker: str
    model: str
    language: str
    format: Format
    rate: int
    words_per_minute: int
    wrong: str = ""

    def encode(self, samples: Samples) -> bytes:
        return ulaw_encode(samples) if self.format == "mulaw" else samples.astype("<i2", copy=False).tobytes()

    @property
    def head(self) -> bytes:
        """What comes before the first samples: a WAV header for a length that is not known yet, or nothing."""
        if self.format != "wav":
            return b""
        sizes = _UNBOUNDED.to_bytes(4, "little")
        layout = (
            b"\x10\0\0\0\x01\0\x01\0" + self.rate.to_bytes(4, "little") + (2 * self.rate).to_bytes(4, "little")
        )
        return b"RIFF" + sizes + b"WAVEfmt " + layout + b"\x02\0\x10\0data" + sizes


def of_query(query: Mapping[str, str]) -> Voicing:
    """The voice of a WebSocket. Raises Refused for what fails at the upgrade."""
    asked = query.get("audioFormat", "wav").lower()
    if asked in _NOT_PLAYED:
        raise Refused(400, f"The simulator plays pcm, mulaw and wav, not audioFormat {asked}.")
    return _voicing(query, _FORMATS.get(asked, "wav"), None)


def segment_of(query: Mapping[str, str]) -> Segment:
    if query.get("immediate", "").lower() == "true":
        return "immediate"
    asked = query.get("segment", "")
    return "never" if asked == "never" else "immediate" if asked == "immediate" else "bySentence"


def of_body(body: Any, accept: str) -> tuple[str, Voicing]:
    """The text and the voice of an HTTP request, of which `body` is the JSON. Raises Refused."""
    if not isinstance(body, dict):
        raise Refused(400, "payload must be an object")
    fields = cast("dict[str, Any]", body)
    if "text" not in fields:
        raise Refused(400, "text is required")
    text = fields["text"]
    if not isinstance(text, str):
        raise Refused(400, "text must be a string")
    if not text:
        raise Refused(400, "text must not be empty")
    if len(text) > MAX_TEXT:
        raise Refused(400, "text is too long")
    voicing = _voicing(fields, format_of(accept), fields.get("timeScaleFactor"))
    if voicing.wrong:
        raise Refused(400, voicing.wrong)
    return text, voicing


def of_context(speaker: str, language: str, mime: str, rate: int, time_scale: float | None) -> Voicing:
    """The voice of a context of WebSocket v1, whose address says the model. Raises Refused.

    Here one address stands for all of Rime's, so the speaker tells whether it is Coda's or Mist v3's.
    """
    asked = {"speaker": speaker, "lang": language, "samplingRate": rate or None}
    models = ("coda", "mistv3")
    has = [model for model in models if not refusal(model, speaker, language_of(language or "eng"))]
    asked["modelId"] = has[0] if has else models[0]
    voicing = _voicing(asked, format_of(mime or "audio/wav"), time_scale)
    if voicing.wrong:
        raise Refused(400, voicing.wrong)
    return voicing


def format_of(mime: str) -> Format:
    """Raises Refused for a media type that is not played."""
    kind = mime.lower().partition(";")[0].strip()
    match kind:
        case "audio/pcm" | "audio/l16":
            return "pcm"
        case "audio/pcmu" | "audio/x-mulaw" | "audio/mulaw" | "audio/basic":
            return "mulaw"
        case "audio/wav":
            return "wav"
        case _:
            raise Refused(
                400, f"The simulator plays audio/pcm, audio/PCMU and audio/wav, not {mime[:60] or 'nothing'}."
            )


def words_per_minute(factor: float) -> int:
    """The speed for a voice that is to be `factor` times as fast, as far as espeak-ng can follow."""
    return round(_WORDS_PER_MINUTE * min(max(factor, _SLOWEST), _FASTEST))


def rate_of(value: Any, default: int) -> int:
    """Raises Refused for a sampling rate that is none or that is not played."""
    if value is None or value == "":
        return default
    try:
        rate = int(str(value))
    except ValueError:
        raise Refused(400, "samplingRate must be an integer") from None
    if not _LEAST_RATE <= rate <= _MOST_RATE:
        raise Refused(
            400, f"The simulator plays a samplingRate from {_LEAST_RATE} to {_MOST_RATE} Hz, not {rate}."
        )
    return rate


def number_of(name: str, value: Any) -> float:
    """Raises Refused for what is not a number above 0; 1 for nothing."""
    if value is None or value == "":
        return 1.0
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = 0.0
    if not 0 < found < 100:
        raise Refused(400, f"{name} must be a number above 0")
    return found


def _voicing(asked: Mapping[str, Any], format: Format, time_scale: Any) -> Voicing:
    speaker, language = asked.get("speaker"), asked.get("lang") or "eng"
    if not isinstance(speaker, str) or not speaker:
        raise Refused(400, "speaker is required")
    if not isinstance(language, str):
        raise Refused(400, "lang must be a string")
    named = str(asked.get("modelId") or "")
    model = model_of(named)
    if named and model_of(named) != named:
        log.debug("Rime takes %s where it is asked for %r.", model, named[:40])
    alpha = number_of("speedAlpha", asked.get("speedAlpha"))
    factor = 1 / alpha if slower_is_more(model) else alpha
    if time_scale is not None and not slower_is_more(model):
        factor = 1 / number_of("timeScaleFactor", time_scale)
    return Voicing(
        speaker=speaker,
        model=model,
        language=language_of(language),
        format=format,
        rate=rate_of(asked.get("samplingRate"), _DEFAULT_RATE.get(model, 24000)),
        words_per_minute=words_per_minute(factor),
        wrong=refusal(model, speaker, language_of(language)),
    )
