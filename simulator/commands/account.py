"""The account of a call on the terminal, as it goes, and the report after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO

from simulator.commands import verdict

_MOST_LATE = 20
_COLOURS = {"caller": "36", "bot": "35", "note": "2", "good": "32", "bad": "31"}
_EXAMPLES = 3


class Account:
    """Writes what is new in each report of the same call to `out`."""

    def __init__(self, out: TextIO, colour: bool) -> None:
        self._out, self._colour = out, colour
        self._printed: set[str] = set()

    def update(self, report: dict[str, Any]) -> None:
        for key, at_ms, who, text in _rows(report):
            if key not in self._printed:
                self._printed.add(key)
                at = "" if at_ms is None else _clock(at_ms)
                self._write(f"{at:>8}  {self._paint(f'{who:<7}', who)} {_clean(text)}")

    def end(self, report: dict[str, Any]) -> None:
        """The ending, and every finding with its fix."""
        self.update(report)
        heard = f"the bot was heard for {report.get('heard_ms', 0) / 1000:.1f} s"
        self._write(f"{'':8}  {self._paint('ended  ', 'note')} {_clean(verdict.ending(report))}; {heard}")
        findings = report.get("findings", [])
        self._write("")
        if not findings and report.get("heard_ms"):
            self._write(f"{self._paint('✓', 'good')} By Telnyx's rules there is nothing to mend.")
        for finding in findings:
            self._finding(finding)

    def note(self, text: str) -> None:
        self._write(_clean(text))

    def good(self, text: str) -> None:
        self._write(f"{self._paint('✓', 'good')} {_clean(text)}")

    def bad(self, text: str) -> None:
        self._write(f"{self._paint('✗', 'bad')} {_clean(text)}")

    def _finding(self, finding: dict[str, Any]) -> None:
        mark = self._paint("✗", "bad") if verdict.is_error(finding) else "!"
        times = finding.get("count", 1)
        self._write(f"{mark} {_clean(finding.get('rule', ''))}" + (f", {times} times" if times > 1 else ""))
        self._write(f"    {_clean(finding.get('what', ''))}")
        for detail in finding.get("details", [])[:_EXAMPLES]:
            self._write(f"    {self._paint(_clean(detail), 'note')}")
        self._write(f"    Fix: {_clean(finding.get('fix', ''))}")

    def _paint(self, text: str, kind: str) -> str:
        code = _COLOURS.get(kind)
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text

    def _write(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def _rows(report: dict[str, Any]) -> Iterator[tuple[str, int | None, str, str]]:
    """A key, milliseconds from the answer, who, and what."""
    lines = report.get("lines", [])
    if report.get("heard_ms") and not any(line.get("answered") for line in lines):
        yield "greeting", None, "bot", "is heard"
    for place, line in enumerate(lines):
        started, after = line.get("started_ms"), line.get("answer_after_ms")
        if started is None:
            continue
        cut_in = " (cuts in)" if line.get("cut_in") else ""
        yield f"said {place}", started, "caller", (line.get("text") or verdict.words(line)) + cut_in
        if line.get("answered") and after is not None:
            when = f"answers after {after / 1000:.2f} s" if after >= 0 else "cuts in on the caller"
            yield f"answered {place}", (line.get("ended_ms") or started) + after, "bot", when
    for warning in report.get("warnings", []):
        yield f"warning {warning}", None, "note", warning
    late = report.get("simulator_late", 0)
    if report.get("ended") and late > _MOST_LATE:
        said = f"This machine was busy: audio left more than 20 ms late {late} times; judge no delay by this call."
        yield "late", None, "note", said


def _clock(ms: int) -> str:
    minutes, seconds = divmod(ms / 1000, 60)
    return f"{minutes:.0f}:{seconds:04.1f}"


def _clean(text: object) -> str:
    """What a bot sent may hold anything, and a terminal obeys control characters."""
    return "".join(character if character.isprintable() else "�" for character in str(text))
