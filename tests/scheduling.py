"""Which tests run beside each other: each file on one worker, calls by framework, and the longest files first."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from xdist.scheduler import LoadFileScheduling

_CALLS = ("tests/e2e/", "tests/rooms/")
_FRAMEWORK = re.compile(r"\[(?:.*-)?(pipecat|livekit)(?:-.*)?\]$")


class ByFileAndFramework(LoadFileScheduling):
    """As ``--dist loadfile``; a file of calls that runs for several frameworks is as many files."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        framework = _FRAMEWORK.search(nodeid) if file.startswith(_CALLS) else None
        return f"{file} {framework[1]}" if framework else file


def longest_first(items: list[pytest.Item]) -> None:
    """Order files in place: those of whole calls before others, then by the number of their tests."""
    files = [item.nodeid.partition("::")[0] for item in items]
    tests = Counter(files)
    places = dict(zip(items, files, strict=True))
    items.sort(key=lambda item: (not places[item].startswith(_CALLS), -tests[places[item]], places[item]))
