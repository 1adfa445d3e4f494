"""Whole calls through real processes and real sockets: one simulator and one agent for each test module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.house import House, running
from tests.sound.pulse import first_in_line, pulse_server

__all__ = ["first_in_line", "house", "pulse_server"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from running(tmp_path_factory.mktemp("house"), PYTHONWARNINGS="default::DeprecationWarning")
