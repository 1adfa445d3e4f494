"""A TeXML document's bytes into elements that know their lines. Pure.

Documents come from the network: no DOCTYPE, no entities but XML's own five, bounded in bytes and depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from simulator.telnyx.texml.errors import TexmlError, shown

MAX_DOCUMENT_BYTES: Final = 65_536
MAX_DEPTH: Final = 20
_ENCODINGS: Final = ("UTF-8", "UTF-16", "ISO-8859-1", "US-ASCII", "WINDOWS-1252")


@dataclass(slots=True)
class Node:
    """One element. `parts` are its texts and its child elements in their order."""

    tag: str
    attributes: dict[str, str]
    line: int
    column: int
    parts: list[str | Node] = field(default_factory=list["str | Node"])

    @property
    def children(self) -> Iterator[Node]:
        return (part for part in self.parts if isinstance(part, Node))

    @property
    def text(self) -> str:
        """Its own text, without that of its children and without white space around it."""
        return "".join(part for part in self.parts if isinstance(part, str)).strip()

    def error(self, sentence: str) -> TexmlError:
        return TexmlError(sentence, self.line, self.column)


def read_tree(document: bytes) -> Node:
    """The root element. Raises TexmlError."""
    if len(document) > MAX_DOCUMENT_BYTES:
        raise TexmlError(f"The TeXML document is longer than {MAX_DOCUMENT_BYTES:,} bytes.")
    if not document.strip():
        raise TexmlError("The TeXML document is empty; answer with a <Response>.")
    builder = _Builder()
    try:
        builder.parser.Parse(document, True)
    except expat.ExpatError as error:
        why = expat.ErrorString(error.code)
        raise TexmlError(
            f"The TeXML document is not well-formed XML: {why}, at column {error.offset + 1}.",
            error.lineno,
            error.offset + 1,
        ) from None
    if builder.root is None:
        raise TexmlError("The TeXML document has no element.")
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root: Node | None = None
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.XmlDeclHandler = self._declare
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self._open: list[Node] = []

    def _declare(self, version: str, encoding: str | None, standalone: int) -> None:
        # For any other one Python's codecs would be asked, some of which are no encodings at all.
        if encoding is not None and encoding.upper() not in _ENCODINGS:
            allowed = ", ".join(_ENCODINGS)
            raise TexmlError(
                f"The TeXML document's encoding must be one of {allowed}, not {shown(encoding)}.",
                self.parser.CurrentLineNumber,
            )

    def _refuse(self, *_: object) -> None:
        raise TexmlError(
            "A TeXML document must not contain a DOCTYPE or entity declarations.", self.parser.CurrentLineNumber
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        node = Node(tag, attributes, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)
        if len(self._open) == MAX_DEPTH:
            raise node.error(f"<{tag}> is nested deeper than {MAX_DEPTH} elements.")
        if self._open:
            self._open[-1].parts.append(node)
        else:
            self.root = node
        self._open.append(node)

    def _end(self, tag: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].parts.append(text)
