"""`Dial`, with its `Number` and `Sip`. Pure.

Source: Telnyx, TeXML page of `Dial`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.routing import COMPLETED, Callback
from simulator.telnyx.texml.elements import Element, Reading
from simulator.telnyx.texml.kinds import (
    METHOD,
    Address,
    Choice,
    Flag,
    Free,
    Keys,
    Kind,
    PhoneNumber,
    SipAddress,
    Tokens,
    Whole,
)
from simulator.telnyx.texml.port import DialTarget
from simulator.telnyx.texml.recording import action, recording_callback
from simulator.telnyx.texml.tree import Node
from simulator.telnyx.texml.verbs import Dial
from simulator.telnyx.texml.vocabulary import NOUNS, PLAYED, skip_noun

_MOST_TARGETS: Final = 10
_NUMBER, _SIP = PhoneNumber(), SipAddress()
_EVENTS: Final = ("initiated", "ringing", "answered", "amd", "dtmf", "deepfake", "completed")
_FROM_ANSWER: Final = ("record-from-answer", "record-from-answer-dual")
_FROM_RINGING: Final = ("record-from-ringing", "record-from-ringing-dual")

_DIAL: Final = Element(
    counts={
        "action": Address(),
        "method": METHOD,
        "callerId": PhoneNumber(),
        "timeout": Whole(5, 120, "seconds"),
        "timeLimit": Whole(60, 14_400, "seconds"),
        "hangupOnStar": Flag(),
        "answerOnBridge": Flag(),
        "sequential": Flag(),
        "record": Choice("do-not-record", *_FROM_ANSWER, *_FROM_RINGING),
        "recordingChannels": Choice("single", "dual"),
        "recordMaxLength": Whole(0, 14_400, "seconds"),
        "recordingStatusCallback": Address(),
        "recordingStatusCallbackMethod": METHOD,
        "recordingStatusCallbackEvent": Tokens(("in-progress", "completed", "absent")),
    },
    passed_over={
        "fromDisplayName": Free(),
        "ringTone": Free(),
        "audioUrl": Address(),
        "sendRecordingUrl": Flag(),
        "passDiversionHeader": Flag(),
        "machineDetectionSpeechThreshold": Whole(0, unit="milliseconds"),
        "machineDetectionSpeechEndThreshold": Whole(0, unit="milliseconds"),
        "machineDetectionSilenceTimeout": Whole(0, unit="milliseconds"),
    },
    children=("Number", "Sip", "Queue", "Conference"),
    has_text=True,
)
_STATUS: Final[dict[str, Kind]] = {
    "statusCallback": Address(),
    "statusCallbackMethod": METHOD,
    "statusCallbackEvent": Tokens(_EVENTS),
}
_DETECTION: Final[dict[str, Kind]] = {
    "url": Address(),
    "method": METHOD,
    "machineDetection": Choice("Enable", "DetectMessageEnd", "Disable"),
    "detectionMode": Choice("Regular", "Premium", "PremiumCallScreening"),
    "machineDetectionTimeout": Whole(500, 60_000, "milliseconds"),
    "machineDetectionPromptEndTimeout": Whole(1000, 120_000, "milliseconds"),
    "machineDetectionBeepProfile": Choice("both", "freq_only"),
    "amdStatusCallback": Address(),
    "sipRegion": Choice("US", "Europe", "Canada", "Australia", "Middle East"),
}
_NUMBER_NOUN: Final = Element(
    counts={**_STATUS, "sendDigits": Keys(pauses=True)},
    passed_over={**_DETECTION, "deepfakeDetection": Free(), "deepfakeDetectionCallbackUrl": Address()},
    has_text=True,
)
_SIP_NOUN: Final = Element(
    counts=_STATUS, passed_over={**_DETECTION, "username": Free(), "password": Free()}, has_text=True
)


def dial(node: Node, reading: Reading) -> Iterator[Dial]:
    given = reading.attributes(node, _DIAL)
    targets = tuple(_targets(node, reading))
    if not targets:
        if not any(child.tag in ("Queue", "Conference") for child in node.children):
            raise node.error("<Dial> needs whom to call: a number in +E.164 form, a <Number> or a <Sip>.")
        return
    if len(targets) > _MOST_TARGETS:
        raise node.error(f"<Dial> must call at most {_MOST_TARGETS} at a time, not {len(targets)}.")
    yield Dial(
        targets=targets,
        caller_id=given.get("callerId"),
        timeout_seconds=given.get("timeout", 30),
        time_limit_seconds=given.get("timeLimit", 14_400),
        sequential=given.get("sequential", False),
        answer_on_bridge=given.get("answerOnBridge", False),
        hang_up_on_star=given.get("hangupOnStar", False),
        recording=_recording(node, given, reading),
        action=action(given),
    )


def _targets(node: Node, reading: Reading) -> Iterator[DialTarget]:
    nouns = list(reading.children(node, _DIAL, (*NOUNS, *PLAYED)))
    if node.text and nouns:
        reading.notes.add(node.line, "<Dial> has text and elements; the text is passed over.")
    elif node.text:
        is_sip = node.text.startswith("sip")
        yield DialTarget(reading.value(node, "The text of <Dial>", node.text, _SIP if is_sip else _NUMBER))
    for noun in nouns:
        if noun.tag in ("Queue", "Conference"):
            skip_noun(node, noun, reading)
            continue
        element, kind = (_NUMBER_NOUN, _NUMBER) if noun.tag == "Number" else (_SIP_NOUN, _SIP)
        given = reading.attributes(noun, element)
        for _ in reading.children(noun, element):
            pass
        for name in ("url", "machineDetection"):
            if noun.attributes.get(name, "Disable") != "Disable":
                reading.notes.add(noun.line, f"The simulator passes over <{noun.tag} {name}>.")
        to = reading.value(noun, f"The text of <{noun.tag}>", noun.text, kind)
        yield DialTarget(to, given.get("sendDigits", ""), _status_callback(given))


def _status_callback(given: dict[str, Any]) -> Callback | None:
    url = given.get("statusCallback")
    if url is None:
        return None
    events = given.get("statusCallbackEvent", COMPLETED)
    return Callback(url, given.get("statusCallbackMethod", "POST"), events)


def _recording(node: Node, given: dict[str, Any], reading: Reading) -> RecordRules | None:
    wanted = given.get("record", "do-not-record")
    if wanted == "do-not-record":
        return None
    if wanted in _FROM_RINGING:
        reading.notes.add(node.line, "The simulator records a <Dial> from its answer, not from its ringing.")
    dual = wanted.endswith("-dual") or given.get("recordingChannels") == "dual"
    return RecordRules(
        channels="dual" if dual else "single",
        format="mp3",
        max_seconds=given.get("recordMaxLength", 0),
        callback=recording_callback(given),
    )
