from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from console.command_line import stt_faults
from console.command_line.app import app


@pytest.mark.parametrize(
    ("items", "ordered"),
    [
        ([], []),
        (["drop_at_ms=3000"], [{"where": "after_ms", "after_ms": 3000, "code": 3005, "times": 1}]),
        (["storm=4", "code=1011"], [{"where": "after_ms", "after_ms": 1000, "code": 1011, "times": 4}]),
        ([" slow_final_ms = 2000 "], [{"where": "final", "after_ms": 2000, "times": 1_000_000}]),
    ],
)
def test_faults_are_ordered_as_the_simulator_takes_them(items: list[str], ordered: list[dict[str, Any]]) -> None:
    assert stt_faults.orders(items) == ordered


@pytest.mark.parametrize(
    "item", ["loss=2", "storm", "storm=", "storm=0", "storm=²", "code=500", "slow_final_ms=-1"]
)
def test_a_fault_that_makes_no_sense_is_refused_in_one_sentence(item: str) -> None:
    with pytest.raises(ValueError, match=r"^[^.]+\.$"):
        stt_faults.orders([item])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stt-fault", "storm=x"], "storm takes a whole number from 1 to 100"),
        (
            ["--stt-fault", "storm=2", "--line", "telnyx", "+4930901820"],
            "leave out what is about the simulated one",
        ),
        (
            ["--stt-fault", "storm=2", "--bot", "python bot.py"],
            "leave out --inbound, --sim, --band, --framework and --stt-fault",
        ),
    ],
)
def test_wrong_usage_says_what_to_do(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["call", *arguments])

    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_a_real_recogniser_cannot_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "a-real-key")
    result = CliRunner().invoke(app, ["call", "--stt-fault", "storm=2"])

    assert result.exit_code == 2
    assert "add --sim stt" in result.output
