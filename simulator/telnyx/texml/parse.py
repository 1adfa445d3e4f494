"""TeXML documents into verbs. Pure.

Source: Telnyx, "TeXML Fundamentals" and the page of each verb. Telnyx drops verbs that it does not know without an
error; here each is noted as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Final

from simulator.telnyx.texml import dialling, flow_verbs, gathering, prompts, recording, streams
from simulator.telnyx.texml.elements import Element, Reading
from simulator.telnyx.texml.errors import TexmlError
from simulator.telnyx.texml.tree import MAX_DOCUMENT_BYTES, Node, read_tree
from simulator.telnyx.texml.verbs import Document, Verb
from simulator.telnyx.texml.vocabulary import skip_verb

__all__ = ["MAX_DOCUMENT_BYTES", "Document", "TexmlError", "parse"]

_RESPONSE: Final = Element()
_LAST: Final = ("Hangup", "Redirect", "Reject")
_VERBS: Final = MappingProxyType[str, Callable[[Node, Reading], Iterator[Verb]]](
    {
        "Connect": streams.connect,
        "Dial": dialling.dial,
        "Gather": gathering.gather,
        "Hangup": flow_verbs.hang_up,
        "Pause": prompts.pause,
        "Play": prompts.play,
        "Record": recording.record,
        "Redirect": flow_verbs.redirect,
        "Reject": flow_verbs.reject,
        "Say": prompts.say,
        "Start": streams.start,
        "Stop": streams.stop,
    }
)


def parse(document: bytes, base_url: str = "") -> Document:
    """The verbs in their order; relative addresses are completed with `base_url`. Raises TexmlError."""
    root = read_tree(document)
    if root.tag != "Response":
        raise root.error(f"The TeXML document's root must be <Response>, not <{root.tag}>.")
    reading = Reading(base_url)
    _note_templates(document, reading)
    reading.attributes(root, _RESPONSE)
    verbs: list[Verb] = []
    last: str | None = None
    for node in root.children:
        if last is not None:
            reading.notes.add(node.line, f"<{node.tag}> never runs, because <{last}> comes before it.")
        read = _VERBS.get(node.tag)
        if read is None:
            skip_verb(node, reading)
            continue
        if node.tag == "Reject" and verbs and last is None:
            reading.notes.add(node.line, "<Reject> refuses a call as the first verb only; here it hangs up.")
        verbs.extend(read(node, reading))
        if node.tag in _LAST and last is None:
            last = node.tag
    return Document(tuple(verbs), reading.notes.sentences)


def _note_templates(document: bytes, reading: Reading) -> None:
    at = document.find(b"{{")
    if at >= 0:
        reading.notes.add(
            document.count(b"\n", 0, at) + 1,
            "{{ }} is filled in by TeXML bins and the TeXML interpreter only; here it stays as it is.",
        )
