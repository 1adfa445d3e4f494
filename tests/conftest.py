from __future__ import annotations

import functools
import os
import time

import pytest
from httpx._transports import default
from textual import _wait

from agent import on_demand
from agent.carriers import telnyx_sdk
from tests.scheduling import ByFileAndFramework, longest_first

# Every worker imports every test module, and many of them these.
telnyx_sdk.prepare()
on_demand.prepare("openai.types.beta", "openai.types.realtime")
# Each client reads a hundred certificates anew otherwise, 40 ms of CPU for every request that a test makes.
default.create_ssl_context = functools.cache(default.create_ssl_context)
# A screen is idle when the thread that draws it is, whatever threads of LiveKit's client are up to.
_wait.process_time = time.thread_time

_NO_SKIPS = "SIDETONE_NO_SKIPS"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Ours in the place of ``--dist loadfile``, the project's default."""
    return ByFileAndFramework(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Where everything is installed, a test that skips for want of something has failed."""
    report = yield
    if report.skipped and os.environ.get(_NO_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although {_NO_SKIPS} is set: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the developer's own journal, settings or keys."""
    monkeypatch.setenv("SIDETONE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
    for name in list(os.environ):
        if name.startswith(("TELNYX_", "ASSEMBLYAI_", "OPENAI_", "DEEPGRAM_", "RIME_", "LIVEKIT_")):
            monkeypatch.delenv(name)
