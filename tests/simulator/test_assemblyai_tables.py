"""The table of parameters: complete, in agreement with the agent's, and shown on the page as it is."""

from __future__ import annotations

import pytest
from assemblyai.streaming.v3 import models as sdk

from agent import tuning
from simulator.assemblyai.models import MODELS, PRESETS, RECOMMENDED
from simulator.assemblyai.parameters import FORMER_NAMES, TABLE, find
from simulator.assemblyai.values import from_text
from tests.simulator import assemblyai_page


def test_the_page_shows_the_tables_as_they_are():
    page = assemblyai_page.PAGE.read_text(encoding="utf-8")
    assert page == assemblyai_page.renewed(page), "Run `python -m tests.simulator.assemblyai_page`."
    assert len(page.splitlines()) <= 120


def test_everything_that_the_sdk_can_ask_for_is_known():
    unknown = [name for name in sdk.RealTimeParameters.model_fields if find(name) is None]
    assert unknown == []
    # The SDK's own list has one model that the service refuses.
    assert {model.value for model in sdk.SpeechModel} - set(MODELS) == {"u3-pro"}
    assert {encoding.value for encoding in sdk.Encoding} == set(TABLE["encoding"].choices)
    assert {mode.value for mode in sdk.StreamingMode} == set(PRESETS)


@pytest.mark.parametrize("name", [name for name in tuning.PARAMETERS if name not in FORMER_NAMES])
def test_the_agent_knows_the_same_of_each_parameter(name):
    ours, theirs = TABLE[name], tuning.PARAMETERS[name]
    assert (ours.families, ours.live) == (theirs.families, theirs.live)
    assert (ours.low, ours.high) == (theirs.low, theirs.high)
    assert not theirs.choices or sorted(ours.choices) == sorted(theirs.choices)


def test_the_agent_starts_from_the_same_presets():
    assert tuning.MODES == PRESETS
    for family, defaults in tuning.DEFAULTS.items():
        for name, value in defaults.items():
            assert TABLE[name].default_of(family) == value, name


@pytest.mark.parametrize("name", TABLE)
def test_every_default_is_a_value_and_every_row_has_a_source_with_its_date(name):
    parameter = TABLE[name]
    assert parameter.source.date.startswith("2026-")
    for family in ("u3", "streaming"):
        default = parameter.default_of(family)
        assert default is None or from_text(parameter, str(default)) == default


def test_the_recommended_presets_grow_in_patience():
    for name in ("min_turn_silence", "max_turn_silence"):
        values = [preset[name] for preset in RECOMMENDED.values()]
        assert values == sorted(values)
