"""`Say`, `Play` and `Pause`, as verbs and within `Gather`. Pure.

Source: Telnyx, TeXML pages of `Say`, `Play` and `Pause`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simulator.telnyx.texml.elements import Element, Reading
from simulator.telnyx.texml.errors import shown
from simulator.telnyx.texml.kinds import Address, Choice, Flag, Free, Keys, Number, Whole
from simulator.telnyx.texml.tree import Node
from simulator.telnyx.texml.verbs import Pause, Play, PlayDigits, Prompt, Say

_MOST_CHARACTERS: Final = 5000
_SSML: Final = frozenset(
    {
        "amazon:auto-breaths",
        "amazon:breath",
        "amazon:domain",
        "amazon:effect",
        "amazon:emotion",
        "break",
        "emphasis",
        "lang",
        "mark",
        "p",
        "phoneme",
        "prosody",
        "s",
        "say-as",
        "speak",
        "sub",
        "voice",
        "w",
    }
)
_SPACED: Final = frozenset({"break", "p", "s", "speak"})

_SAY: Final = Element(
    counts={"voice": Free(), "language": Free(), "loop": Whole(0, 10)},
    passed_over={
        "gender": Choice("Male", "Female"),
        "effect": Choice("eq_telecomhp8k", "eq_car"),
        "voiceSpeed": Number(0.1, 2.0),
        "api_key_ref": Free(),
        "region": Free(),
        "pronunciationDictId": Free(),
        "languageBoost": Free(),
    },
    has_text=True,
)
_PLAY: Final = Element(
    counts={"loop": Whole(0, 1000), "digits": Keys(pauses=True), "mediaStorage": Flag()},
    passed_over={"failoverUrl": Address(), "continueOnError": Flag(), "ringTone": Free()},
    has_text=True,
)
_PAUSE: Final = Element(counts={"length": Whole(1, 180, "seconds")})
_AUDIO: Final = Address()


def prompt(node: Node, reading: Reading) -> Iterator[Prompt]:
    """A `Say`, `Play` or `Pause`; nothing when there is nothing to play."""
    match node.tag:
        case "Say":
            yield from say(node, reading)
        case "Play":
            yield from play(node, reading)
        case _:
            yield from pause(node, reading)


def say(node: Node, reading: Reading) -> Iterator[Say]:
    given = reading.attributes(node, _SAY)
    text = " ".join(_spoken(node, reading).split())
    if not text:
        reading.notes.add(node.line, "<Say> has no text and was skipped.")
        return
    if len(text) > _MOST_CHARACTERS:
        raise node.error(f"<Say> must have at most {_MOST_CHARACTERS:,} characters, not {len(text):,}.")
    voice = given.get("voice") or "man"
    if voice not in ("man", "woman", "alice") and "." not in voice:
        reading.notes.add(
            node.line, f"<Say voice> should be man, woman, alice or a provider's Name.Voice, not {shown(voice)}."
        )
    yield Say(text, voice, given.get("language") or None, given.get("loop", 1))


def play(node: Node, reading: Reading) -> Iterator[Play | PlayDigits]:
    given = reading.attributes(node, _PLAY)
    for child in node.children:
        reading.notes.add(child.line, f"<Play> takes no elements, so <{child.tag}> in it is passed over.")
    times = given.get("loop", 1)
    if "digits" in given:
        yield PlayDigits(given["digits"], times)
    elif given.get("mediaStorage"):
        reading.notes.add(node.line, "The simulator has no media storage for TeXML, so this <Play> was skipped.")
    elif "ringTone" in node.attributes and not node.text:
        reading.notes.add(node.line, "The simulator plays no ring tones, so this <Play> was skipped.")
    else:
        yield Play(reading.value(node, "The text of <Play>", node.text, _AUDIO), times)


def pause(node: Node, reading: Reading) -> Iterator[Pause]:
    given = reading.attributes(node, _PAUSE)
    for _ in reading.children(node, _PAUSE):
        pass
    yield Pause(given.get("length", 1))


def _spoken(node: Node, reading: Reading) -> str:
    """The text without SSML, which the simulated voice cannot speak by."""
    spoken: list[str] = []
    for part in node.parts:
        if isinstance(part, str):
            spoken.append(part)
            continue
        if part.tag not in _SSML:
            reading.notes.add(part.line, f"<{part.tag}> in <Say> is not SSML; its text is spoken as it is.")
        inner = (
            part.attributes["alias"]
            if part.tag == "sub" and "alias" in part.attributes
            else _spoken(part, reading)
        )
        spoken.append(f" {inner} " if part.tag in _SPACED else inner)
    return "".join(spoken)
