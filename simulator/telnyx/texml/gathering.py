"""`Gather`: keys pressed while something is played, or after it. Pure.

Source: Telnyx, TeXML page of `Gather`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simulator.telnyx.texml.elements import Element, Reading
from simulator.telnyx.texml.kinds import METHOD, Address, Flag, Free, Keys, Tokens, Whole
from simulator.telnyx.texml.prompts import prompt
from simulator.telnyx.texml.tree import Node
from simulator.telnyx.texml.verbs import Gather, Prompt
from simulator.telnyx.texml.vocabulary import NOT_PLAYED, NOUNS, PLAYED

_DIGITS: Final = Whole(1, 128)

_GATHER: Final = Element(
    counts={
        "action": Address(),
        "invalidDigitsAction": Address(),
        "input": Tokens(("dtmf", "speech")),
        "timeout": Whole(1, 120, "seconds"),
        "finishOnKey": Keys(),
        "numDigits": _DIGITS,
        "minDigits": _DIGITS,
        "maxDigits": _DIGITS,
        "validDigits": Keys(),
    },
    passed_over={
        "language": Free(),
        "speechTimeout": Free(),
        "partialResultCallback": Address(),
        "partialResultCallbackMethod": METHOD,
        "profanityFilter": Flag(),
        "useEnhanced": Flag(),
        "hints": Free(),
        "keyterms": Free(),
        "smartFormat": Flag(),
        "transcriptionEngine": Free(),
        "model": Free(),
        "apiKeyRef": Free(),
        "region": Free(),
        "method": METHOD,
    },
    children=("Say", "Play", "Pause"),
    may_be_empty=("finishOnKey",),
)


def gather(node: Node, reading: Reading) -> Iterator[Gather]:
    given = reading.attributes(node, _GATHER)
    if "method" in node.attributes:
        reading.notes.add(
            node.line, "<Gather> has no method: its action is asked with the method of the TeXML application."
        )
    wanted: frozenset[str] = given.get("input", frozenset({"dtmf"}))
    if "speech" in wanted:
        reading.notes.add(node.line, "The simulator gathers keys only, so <Gather input> speech hears nothing.")
    minimum, maximum = given.get("minDigits", 1), given.get("maxDigits", 128)
    maximum = given.get("numDigits", maximum)
    if minimum > maximum:
        raise node.error(f"<Gather minDigits> must be at most the {maximum} keys it may gather, not {minimum}.")
    yield Gather(
        prompts=tuple(_prompts(node, reading)),
        action_url=given.get("action"),
        invalid_url=given.get("invalidDigitsAction"),
        minimum=minimum,
        maximum=maximum,
        timeout_seconds=given.get("timeout", 5),
        finish_on_key=given.get("finishOnKey", "#"),
        valid_digits=given.get("validDigits", "0123456789#*"),
        listens="dtmf" in wanted,
    )


def _prompts(node: Node, reading: Reading) -> Iterator[Prompt]:
    for child in reading.children(node, _GATHER, (*PLAYED, *NOT_PLAYED, *NOUNS)):
        if child.tag == "Pause":
            reading.notes.add(child.line, "Telnyx lists <Say> and <Play> in <Gather>, and may skip this <Pause>.")
        yield from prompt(child, reading)
