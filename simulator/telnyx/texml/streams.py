"""`Connect`, `Start` and `Stop`: services that run on a call, streams above all. Pure.

Source: Telnyx, TeXML pages of `Connect`, `Start`, `Stop`, `Stream` and `Recording`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simulator.telnyx.media.options import MODES, OTHER_CODECS, TRACKS, StreamOptions, codec_name
from simulator.telnyx.texml.elements import Element, Reading
from simulator.telnyx.texml.kinds import METHOD, SOCKET, Address, Choice, Flag, Free
from simulator.telnyx.texml.recording import start_recording
from simulator.telnyx.texml.tree import Node
from simulator.telnyx.texml.verbs import ConnectStream, StartRecording, StartStream, StopStream
from simulator.telnyx.texml.vocabulary import NOUNS, PLAYED, skip_noun

_CODECS: Final = ("PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16")
_RATES: Final = ("8000", "16000", "24000")
_SERVICES: Final = ("Stream", "Transcription", "Suppression", "Siprec")

_CONNECT: Final = Element(
    passed_over={"action": Address(), "method": METHOD},
    children=("Stream", "AIAssistant", "ConversationRelay"),
)
_START: Final = Element(children=(*_SERVICES, "Recording"))
_STOP: Final = Element(children=_SERVICES)
_STREAM: Final = Element(
    counts={
        "url": SOCKET,
        "track": Choice(*TRACKS),
        "name": Free(),
        "codec": Choice(*_CODECS, "default"),
        "bidirectionalMode": Choice(*MODES),
        "bidirectionalCodec": Choice(*_CODECS),
        "bidirectionalSamplingRate": Choice(*_RATES),
        "statusCallback": Address(),
        "statusCallbackMethod": METHOD,
        "enableReconnect": Flag(),
    },
    children=("Parameter",),
    required=("url",),
)
_PARAMETER: Final = Element(counts={"name": Free(), "value": Free()}, required=("name",))
_STOPPED_STREAM: Final = Element(counts={"name": Free()})


def connect(node: Node, reading: Reading) -> Iterator[ConnectStream]:
    reading.attributes(node, _CONNECT)
    found = False
    for noun in reading.children(node, _CONNECT, (*NOUNS, *PLAYED)):
        if found:
            reading.notes.add(noun.line, f"<Connect> takes one service, so this <{noun.tag}> is passed over.")
            continue
        found = True
        if noun.tag != "Stream":
            skip_noun(node, noun, reading)
            continue
        if "action" in node.attributes:
            reading.notes.add(
                node.line, "<Connect action> is not asked when a stream ends: the next verb runs instead."
            )
        yield ConnectStream(_stream(noun, reading))
    if not found:
        reading.notes.add(node.line, "<Connect> has nothing to connect to and was skipped; give it a <Stream>.")


def start(node: Node, reading: Reading) -> Iterator[StartStream | StartRecording]:
    reading.attributes(node, _START)
    found = False
    for noun in reading.children(node, _START, (*NOUNS, *PLAYED)):
        found = True
        if noun.tag == "Stream":
            yield StartStream(_stream(noun, reading))
        elif noun.tag == "Recording":
            yield start_recording(noun, reading)
        else:
            skip_noun(node, noun, reading)
    if not found:
        reading.notes.add(node.line, "<Start> has nothing to start and was skipped; give it a <Stream>.")


def stop(node: Node, reading: Reading) -> Iterator[StopStream]:
    reading.attributes(node, _STOP)
    found = False
    for noun in reading.children(node, _STOP, (*NOUNS, *PLAYED)):
        found = True
        if noun.tag == "Stream":
            given = reading.attributes(noun, _STOPPED_STREAM)
            yield StopStream(given.get("name") or None)
        else:
            skip_noun(node, noun, reading)
    if not found:
        reading.notes.add(node.line, "<Stop> has nothing to stop and was skipped; give it a <Stream>.")


def _stream(node: Node, reading: Reading) -> StreamOptions:
    given = reading.attributes(node, _STREAM)
    codec, send_codec = given.get("codec", "default"), given.get("bidirectionalCodec", "PCMU")
    for name, value in (("codec", codec), ("bidirectionalCodec", send_codec)):
        if value in OTHER_CODECS:
            raise node.error(f"<Stream {name}> is {value}, which the simulated line does not carry.")
        if value == "L16":
            reading.notes.add(
                node.line, f"<Stream {name}> is L16, which Telnyx lists for Call Control, not for TeXML."
            )
    return StreamOptions(
        url=given["url"],
        track=given.get("track", "inbound_track"),
        codec=codec_name(codec),
        mode=given.get("bidirectionalMode", "mp3"),
        send_codec=codec_name(send_codec) or "PCMU",
        rate=int(given.get("bidirectionalSamplingRate", "8000")),
        # TeXML cannot name target legs; its streams are heard by the caller.
        target_legs="self",
        name=given.get("name", ""),
        custom_parameters=_parameters(node, reading),
        status_callback=given.get("statusCallback"),
        status_callback_method=given.get("statusCallbackMethod", "POST"),
        reconnect=given.get("enableReconnect", True),
    )


def _parameters(stream: Node, reading: Reading) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for child in reading.children(stream, _STREAM, NOUNS):
        given = reading.attributes(child, _PARAMETER)
        name = given["name"]
        if "value" not in given:
            reading.notes.add(child.line, f"<Parameter> {name} has no value, so it is empty.")
        if name in parameters:
            reading.notes.add(child.line, f"<Parameter> {name} is given twice; the last one counts.")
        parameters[name] = given.get("value", "")
    return parameters
