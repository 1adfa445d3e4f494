"""`Hangup`, `Redirect` and `Reject`: verbs after which nothing of a document runs. Pure.

Source: Telnyx, TeXML pages of `Hangup`, `Redirect` and `Reject`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simulator.telnyx.texml.elements import Element, Reading
from simulator.telnyx.texml.kinds import METHOD, Address, Choice
from simulator.telnyx.texml.tree import Node
from simulator.telnyx.texml.verbs import HangUp, Redirect, Reject

_HANGUP: Final = Element()
_REDIRECT: Final = Element(counts={"method": METHOD}, has_text=True)
_REJECT: Final = Element(counts={"reason": Choice("rejected", "busy")})
_TARGET: Final = Address()


def hang_up(node: Node, reading: Reading) -> Iterator[HangUp]:
    _read_children(node, reading, _HANGUP)
    reading.attributes(node, _HANGUP)
    yield HangUp()


def redirect(node: Node, reading: Reading) -> Iterator[Redirect]:
    _read_children(node, reading, _REDIRECT)
    given = reading.attributes(node, _REDIRECT)
    yield Redirect(reading.value(node, "The text of <Redirect>", node.text, _TARGET), given.get("method", "POST"))


def reject(node: Node, reading: Reading) -> Iterator[Reject]:
    _read_children(node, reading, _REJECT)
    given = reading.attributes(node, _REJECT)
    yield Reject(given.get("reason", "rejected"))


def _read_children(node: Node, reading: Reading, element: Element) -> None:
    for _ in reading.children(node, element):
        pass
