from __future__ import annotations

import os

import pytest

_NO_SKIPS = "SIDETONE_NO_SKIPS"


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
        if name.startswith(("TELNYX_", "ASSEMBLYAI_", "OPENAI_", "DEEPGRAM_")):
            monkeypatch.delenv(name)
