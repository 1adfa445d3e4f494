"""What setup prints: a plan that fits 80 columns, or one JSON object a step for programs."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import msgspec

from agent.provision.livekit import objects
from agent.provision.livekit.steps import Step

_WIDTH = 80
_SIGNS = {"create": "+", "change": "~", "keep": "=", "delete": "-", "skip": ".", "refuse": "!"}
_PLANNED = {
    "create": "to create",
    "change": "to change",
    "keep": "left alone",
    "delete": "to delete",
    "skip": "left out",
    "refuse": "refused",
}
_DONE = {"create": "Created", "change": "Changed", "delete": "Deleted"}


class Output(Protocol):
    """``begin`` names the server and the agent; ``done`` gets the object's label as the server knows it."""

    def begin(self, url: str, agent_name: str) -> None: ...
    def plan(self, steps: Sequence[Step]) -> None: ...
    def done(self, step: Step, label: str) -> None: ...
    def say(self, text: str) -> None: ...
    def failed(self, text: str, fix: str) -> None: ...


class TextOutput:
    """For people."""

    def begin(self, url: str, agent_name: str) -> None:
        print(f"LiveKit at {url}, agent {agent_name}\n")

    def plan(self, steps: Sequence[Step]) -> None:
        for step in steps:
            head = f"{_SIGNS[step.action]} {step.kind:<15} {step.label}"
            print(textwrap.fill(head, _WIDTH, subsequent_indent=" " * 18))
            what = _PLANNED[step.action]
            text = step.reason or "; ".join(step.details)
            print(_below(f"{what}: {text}" if text else what))
            for remark in step.remarks:
                print(_below(f"note: {remark}"))
        counts = Counter(step.action for step in steps)
        told = ", ".join(f"{counts[action]} {words}" for action, words in _PLANNED.items() if counts[action])
        if told:
            print(f"\n{told}.")

    def done(self, step: Step, label: str) -> None:
        print(f"{_DONE[step.action]} the {step.kind} {label}.")

    def say(self, text: str) -> None:
        print(textwrap.fill(text, _WIDTH, break_on_hyphens=False, break_long_words=False))

    def failed(self, text: str, fix: str) -> None:
        sys.stdout.flush()
        message = f"{text} {fix}".strip()
        print(textwrap.fill(message, _WIDTH, break_on_hyphens=False, break_long_words=False), file=sys.stderr)


class JsonOutput:
    """For programs: each step as it is planned, and each once more with ``done`` when it is."""

    def begin(self, url: str, agent_name: str) -> None:
        pass

    def plan(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self._write(step, step.label, done=False)

    def done(self, step: Step, label: str) -> None:
        self._write(step, label, done=True)

    def say(self, text: str) -> None:
        print(text, file=sys.stderr)

    def failed(self, text: str, fix: str) -> None:
        print(f"{text} {fix}".strip(), file=sys.stderr)

    def _write(self, step: Step, label: str, done: bool) -> None:
        line = {
            "action": step.action,
            "kind": step.kind,
            "id": objects.identifier(step.info) if step.info is not None else "",
            "label": label,
            "details": step.details,
            "remarks": step.remarks,
            "reason": step.reason,
            "done": done,
        }
        print(msgspec.json.encode(line).decode(), flush=True)


def _below(text: str) -> str:
    indent = " " * 18
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
