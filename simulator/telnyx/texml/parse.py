"""TeXML documents into verbs. Pure.

Source: Telnyx's TeXML pages of `Connect`, `Stream`, `Pause`, `Hangup`, `Reject` and `Redirect`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import urljoin
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

from simulator.addresses import is_url
from simulator.telnyx.media.options import MODES, OTHER_CODECS, TRACKS, Mode, StreamOptions, Track, codec_name

MAX_DOCUMENT_BYTES: Final = 65_536


class TexmlError(Exception):
    """The document cannot be run; the text says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class ConnectStream:
    stream: StreamOptions


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: int


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


@dataclass(frozen=True, slots=True)
class Reject:
    reason: Literal["rejected", "busy"]


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str
    method: Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A verb the simulator does not play."""

    warning: str


Verb = ConnectStream | Pause | HangUp | Reject | Redirect | Skipped


def parse(document: bytes, base_url: str) -> tuple[Verb, ...]:
    """The verbs in their order; relative addresses are resolved against `base_url`. Raises TexmlError."""
    root = _tree(document)
    if root.tag != "Response":
        raise TexmlError(f"The TeXML document's root must be <Response>, not <{root.tag}>.")
    return tuple(_verb(element, base_url) for element in root)


def _tree(document: bytes) -> Element:
    if len(document) > MAX_DOCUMENT_BYTES:
        raise TexmlError(f"The TeXML document is longer than {MAX_DOCUMENT_BYTES:,} bytes.")
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise TexmlError("A TeXML document must not contain a DOCTYPE or entity declarations.")

    # Without declarations there are no entities to expand, inner or outer.
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(document, True)
        return builder.close()
    except (expat.ExpatError, ParseError) as error:
        raise TexmlError(f"The TeXML document is not well-formed XML: {error}.") from None


def _verb(element: Element, base_url: str) -> Verb:
    match element.tag:
        case "Connect":
            return _connect(element)
        case "Pause":
            return Pause(_pause_seconds(element))
        case "Hangup":
            return HangUp()
        case "Reject":
            return Reject("busy" if element.get("reason") == "busy" else "rejected")
        case "Redirect":
            return _redirect(element, base_url)
        case other:
            return Skipped(f"The simulator does not play the TeXML verb <{other}>, so it was skipped.")


def _connect(connect: Element) -> Verb:
    stream = connect.find("Stream")
    if stream is None:
        return Skipped("The simulator plays <Connect> with a <Stream> only, so the verb was skipped.")
    return ConnectStream(_stream(stream))


def _stream(element: Element) -> StreamOptions:
    url = element.get("url", "")
    if not is_url(url, ("ws", "wss")):
        raise TexmlError(f"<Stream> needs a ws(s) address in its url attribute, not {url!r}.")
    callback = element.get("statusCallback")
    if callback is not None and not is_url(callback, ("http", "https")):
        raise TexmlError(f"<Stream> needs an http(s) address in its statusCallback attribute, not {callback!r}.")
    if _choice(element, "bidirectionalSamplingRate", ("8000", "16000", "24000"), "8000") != "8000":
        raise TexmlError(
            "The simulated line runs at 8000 Hz only; set <Stream bidirectionalSamplingRate> to 8000."
        )
    codec = _choice(element, "codec", ("default", "PCMU", "PCMA", *OTHER_CODECS), "default")
    send_codec = _choice(element, "bidirectionalCodec", ("PCMU", "PCMA", *OTHER_CODECS), "PCMU")
    for value in (codec, send_codec):
        if value in OTHER_CODECS:
            raise TexmlError(f"The simulated line carries PCMU and PCMA only, not {value}.")
    return StreamOptions(
        url=url,
        track=cast("Track", _choice(element, "track", TRACKS, "inbound_track")),
        codec=codec_name(codec),
        mode=cast("Mode", _choice(element, "bidirectionalMode", MODES, "mp3")),
        send_codec=codec_name(send_codec) or "PCMU",
        name=element.get("name", ""),
        custom_parameters={
            parameter.get("name", ""): parameter.get("value", "") for parameter in element.findall("Parameter")
        },
        status_callback=callback,
        status_callback_method=_method(element, "statusCallbackMethod"),
    )


def _redirect(element: Element, base_url: str) -> Redirect:
    target = (element.text or "").strip()
    try:
        url = urljoin(base_url, target)
    except ValueError:
        url = target
    if not is_url(url, ("http", "https")):
        raise TexmlError(f"<Redirect> needs an http(s) address, not {url!r}.")
    return Redirect(url, _method(element, "method"))


def _pause_seconds(element: Element) -> int:
    length = element.get("length", "1")
    if len(length) > 3 or not (length.isascii() and length.isdigit()) or not 1 <= int(length) <= 180:
        raise TexmlError(f"<Pause length> must be a whole number of seconds from 1 to 180, not {length!r}.")
    return int(length)


def _method(element: Element, attribute: str) -> Literal["GET", "POST"]:
    return cast("Literal['GET', 'POST']", _choice(element, attribute, ("POST", "GET"), "POST"))


def _choice(element: Element, attribute: str, choices: tuple[str, ...], default: str) -> str:
    value = element.get(attribute, default)
    if value not in choices:
        raise TexmlError(f"<{element.tag} {attribute}> must be one of {', '.join(choices)}, not {value!r}.")
    return value
