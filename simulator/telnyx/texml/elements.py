"""What one TeXML element may carry, and how its attributes, text and children are read. Pure.

Telnyx passes over attributes and elements that it does not know without a word. So they are noted, not refused; a
value against the rules of an attribute that counts is refused.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from simulator.telnyx.texml.errors import Notes, shown
from simulator.telnyx.texml.kinds import Free, Kind
from simulator.telnyx.texml.tree import Node

_LONGEST_NAME: Final = 64
_TWIML: Final = MappingProxyType(
    {
        "transcribe": "transcription",
        "transcribeCallback": "transcriptionCallback",
        "speechModel": "model",
    }
)


@dataclass(frozen=True, slots=True)
class Element:
    """Attributes that count here, those that Telnyx knows and the simulator passes over, and child elements.

    `may_be_empty` names attributes whose empty value means something.
    """

    counts: Mapping[str, Kind] = field(default_factory=dict[str, Kind])
    passed_over: Mapping[str, Kind] = field(default_factory=dict[str, Kind])
    children: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    may_be_empty: tuple[str, ...] = ()
    has_text: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What is carried through the reading of one document. `base_url` completes relative addresses."""

    base_url: str = ""
    notes: Notes = field(default_factory=Notes)

    def attributes(self, node: Node, element: Element) -> dict[str, Any]:
        """The attributes that count and were given, converted. Raises TexmlError."""
        given: dict[str, Any] = {}
        for name, value in node.attributes.items():
            if name.startswith(("xmlns", "xml:")):
                continue
            kind = element.counts.get(name) or element.passed_over.get(name)
            if kind is None:
                self._unknown(node, name, element)
            elif not value.strip() and name not in element.may_be_empty and not isinstance(kind, Free):
                self.notes.add(node.line, f"<{node.tag} {name}> is empty and counts as not given.")
            elif name in element.counts:
                given[name] = self.value(node, f"<{node.tag} {name}>", value, kind)
            else:
                self._passed_over(node, name, value, kind)
        for name in element.required:
            if not given.get(name):
                raise node.error(
                    f"<{node.tag}> needs its attribute {name}, which must be {element.counts[name].rule}."
                )
        if not element.has_text and node.text:
            self.notes.add(node.line, f"<{node.tag}> takes no text, so {shown(node.text)} is passed over.")
        return given

    def value(self, node: Node, subject: str, value: str, kind: Kind) -> Any:
        """`value` converted; `subject` begins the sentence of the TexmlError it raises."""
        try:
            return kind.read(value, self.base_url)
        except ValueError:
            given = f", not {shown(value)}" if value.strip() else "; it is empty"
            raise node.error(f"{subject} must be {kind.rule}{given}.") from None

    def children(self, node: Node, element: Element, elsewhere: Collection[str] = ()) -> Iterator[Node]:
        """The child elements that belong here; the others are noted. `elsewhere`: known, but not here."""
        for child in node.children:
            if child.tag in element.children:
                yield child
            elif self.notes.are_full:
                continue
            elif not element.children:
                self.notes.add(
                    child.line, f"<{node.tag}> takes no elements, so <{child.tag}> in it is passed over."
                )
            else:
                what = (
                    f"<{child.tag}> does not belong in <{node.tag}>"
                    if child.tag in elsewhere
                    else f"Telnyx knows no <{child.tag}> in <{node.tag}>"
                )
                allowed = ", ".join(f"<{name}>" for name in element.children)
                self.notes.add(child.line, f"{what}, which takes {allowed}; it is passed over.")

    def _passed_over(self, node: Node, name: str, value: str, kind: Kind) -> None:
        try:
            kind.read(value, self.base_url)
        except ValueError:
            self.notes.add(node.line, f"<{node.tag} {name}> should be {kind.rule}, not {shown(value)}.")

    def _unknown(self, node: Node, name: str, element: Element) -> None:
        if self.notes.are_full:
            return
        known = (*element.counts, *element.passed_over)
        sentence = f"Telnyx knows no attribute {name} of <{node.tag}> and passes it over"
        meant = closest(_TWIML.get(name, name), known)
        if meant is not None:
            sentence += f"; {meant} is meant, perhaps"
        elif known:
            sentence += f"; it knows {', '.join(known)}"
        self.notes.add(node.line, f"{sentence}.")


def closest(name: str, known: tuple[str, ...]) -> str | None:
    """The known name that a misspelled one most likely stands for."""
    return _closest(name.lower(), known) if len(name) <= _LONGEST_NAME else None


@functools.lru_cache(maxsize=256)
def _closest(name: str, known: tuple[str, ...]) -> str | None:
    by_letters = {word.lower(): word for word in known}
    matches = difflib.get_close_matches(name, by_letters, 1, 0.75)
    return by_letters[matches[0]] if matches else None
