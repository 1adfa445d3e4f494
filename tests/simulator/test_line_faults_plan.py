"""Plans of line faults as they are written in JSON and on a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.line.plan import FAULTS, LineFaultPlan, parse_faults

FAULTS_PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")


def test_a_plan_from_json() -> None:
    plan = msgspec.json.decode(b'{"seed":7,"jitter_ms":40,"one_way":"to_agent"}', type=LineFaultPlan)
    assert plan == LineFaultPlan(seed=7, jitter_ms=40.0, one_way="to_agent")
    assert msgspec.json.decode(msgspec.json.encode(plan), type=LineFaultPlan) == plan


def test_a_plan_from_the_command_line() -> None:
    texts = ["jitter_ms=40", "loss=0.02", "one_way=to_caller", "drop_at_ms = 4000", "drop_stop=true"]
    assert parse_faults(texts, seed=7) == LineFaultPlan(
        seed=7, jitter_ms=40.0, loss=0.02, one_way="to_caller", drop_at_ms=4000, drop_stop=True
    )
    assert parse_faults([]) == LineFaultPlan()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"loss": 1.5}, "loss must be between 0 and 1, not 1.5."),
        ({"loss": float("nan")}, "loss must be between 0 and 1, not nan."),
        ({"jitter_ms": -1}, "jitter_ms must be between 0 and 2000, not -1."),
        ({"burst_length": 0}, "burst_length must be between 1 and 1000, not 0."),
        ({"burst_loss": 0.8, "burst_length": 1}, "burst_loss=0.8 needs longer bursts: raise burst_length."),
        ({"stall_ms": 100}, "A stall needs both stall_at_ms and stall_ms."),
        ({"stall_at_ms": 100}, "A stall needs both stall_at_ms and stall_ms."),
        ({"drop_stop": True}, "drop_stop needs drop_at_ms, the time of the drop."),
    ],
)
def test_a_plan_that_makes_no_sense(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as refused:
        LineFaultPlan(**values)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("loss", f"'loss' is no line fault; write name=value with one of {', '.join(FAULTS)}."),
        ("lost=1", f"'lost=1' is no line fault; write name=value with one of {', '.join(FAULTS)}."),
        ("loss=much", "loss takes a number, not 'much'."),
        ("loss=7", "loss must be between 0 and 1, not 7.0."),
        ("seed=1.5", "seed takes a whole number, not '1.5'."),
        ("one_way=both", "one_way takes none, to_agent or to_caller, not 'both'."),
        ("drop_stop=perhaps", "drop_stop takes true or false, not 'perhaps'."),
        ("drop_stop=true", "drop_stop needs drop_at_ms, the time of the drop."),
    ],
)
def test_a_text_that_is_no_fault(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_faults([text])
    assert str(refused.value) == sentence


TEXTS = st.text() | st.builds("{}={}".format, st.sampled_from(FAULTS), st.text() | st.floats() | st.integers())


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_no_text_raises_anything_but_a_sentence(texts: list[str]) -> None:
    try:
        plan = parse_faults(texts)
    except ValueError as error:
        sentence = str(error)
    else:
        sentence = "A plan."
        assert isinstance(plan, LineFaultPlan)
    assert sentence.endswith(".")


@pytest.mark.parametrize("body", [b'{"lost":1}', b'{"loss":"0.1"}', b'{"loss":2}', b"[]", b'{"seed":1.5}'])
def test_wrong_json_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=LineFaultPlan)


def test_the_documentation_names_every_fault() -> None:
    for name in FAULTS:
        assert f"`{name}`" in FAULTS_PAGE
