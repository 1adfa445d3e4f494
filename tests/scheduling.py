"""Which tests run beside each other: each file on one worker, calls by framework, and long files first."""

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
    """Order files in place by the number of their tests; files of calls, which mostly wait, evenly between the
    others, which compute, up to two thirds of the way: a call that comes last would be waited for."""
    files = [item.nodeid.partition("::")[0] for item in items]
    tests = Counter(files)
    longest = sorted(tests, key=lambda file: (-tests[file], file))
    calls = [file for file in longest if file.startswith(_CALLS)]
    others = [file for file in longest if not file.startswith(_CALLS)]
    place = {file: number / len(calls) * 2 / 3 for number, file in enumerate(calls)}
    place |= {file: number / len(others) for number, file in enumerate(others)}
    places = dict(zip(items, files, strict=True))
    items.sort(key=lambda item: (place[places[item]], places[item]))
