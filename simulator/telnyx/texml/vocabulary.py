"""TeXML elements that Telnyx knows and the simulator does not play, and those that only TwiML knows. Pure.

Source: Telnyx, TeXML verb pages and "TeXML and TwiML compatibility".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from simulator.telnyx.texml.elements import Reading, closest
from simulator.telnyx.texml.tree import Node

PLAYED: Final = (
    "Connect",
    "Dial",
    "Gather",
    "Hangup",
    "Pause",
    "Play",
    "Record",
    "Redirect",
    "Reject",
    "Say",
    "Start",
    "Stop",
)
NOT_PLAYED: Final = ("AIGather", "Enqueue", "HttpRequest", "Leave", "Pay", "Refer")
NOUNS: Final = (
    "AIAssistant",
    "Conference",
    "ConversationRelay",
    "Number",
    "Parameter",
    "Queue",
    "Recording",
    "Sip",
    "Siprec",
    "Stream",
    "Suppression",
    "Transcription",
)
_INSTEAD: Final = MappingProxyType(
    {
        "Client": "dial its SIP address with <Sip>",
        "Sms": "send the message with Telnyx's messaging API",
        "Message": "send the message with Telnyx's messaging API",
        "VirtualAgent": "use <AIAssistant> or <ConversationRelay>",
        "Autopilot": "use <AIAssistant> or <ConversationRelay>",
    }
)


def skip_verb(node: Node, reading: Reading) -> None:
    """Note why a verb is not run. Telnyx itself drops the verbs that it does not know."""
    if reading.notes.are_full:
        return
    if node.tag in NOT_PLAYED:
        sentence = f"The simulator does not play the TeXML verb <{node.tag}>, so it was skipped."
    elif node.tag in NOUNS:
        sentence = f"<{node.tag}> is not a verb of its own, so it was skipped as Telnyx skips it."
    else:
        sentence = f"Telnyx does not know the verb <{node.tag}> and skips it"
        meant = closest(node.tag, (*PLAYED, *NOT_PLAYED))
        if node.tag in _INSTEAD:
            sentence += f"; {_INSTEAD[node.tag]}."
        else:
            sentence += f"; <{meant}> is meant, perhaps." if meant else "."
    reading.notes.add(node.line, sentence)


def skip_noun(verb: Node, noun: Node, reading: Reading) -> None:
    """Note that a noun, which Telnyx knows in this verb, is not played."""
    reading.notes.add(noun.line, f"The simulator does not play <{noun.tag}> in <{verb.tag}>, so it was skipped.")
