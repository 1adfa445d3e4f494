"""Whole calls through real processes and real sockets: one simulator and one agent for each test module and each
framework that an agent runs on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.house import House, running
from tests.sound.pulse import first_in_line, pulse_server

__all__ = ["first_in_line", "framework", "house", "pulse_server"]


@pytest.fixture(scope="module", params=("pipecat", "livekit"))
def framework(request: pytest.FixtureRequest) -> str:
    """What the agent runs on: a call is the same on both."""
    return request.param


@pytest.fixture(scope="module")
def house(framework: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from running(tmp_path_factory.mktemp("house"), framework, PYTHONWARNINGS="default::DeprecationWarning")
