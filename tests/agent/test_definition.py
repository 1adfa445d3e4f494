from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from agent import definition, tools
from agent.definition import DefinitionError, Voice
from agent.frameworks.pipecat_services import speech_to_text
from agent.tools import ToolBox, clinic

MINIMAL = """
name = "x"
instructions = "Be kind to $name."
trouble = "Sorry."
[greeting]
inbound = "Hello."
outbound = "Hello $name."
[parameters]
name = "friend"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(text)
    return path


def test_the_shipped_definition_loads_with_its_tools() -> None:
    shipped = definition.load(definition.SHIPPED)

    assert set(tools.find(shipped.tools)) == {"find_slots", "book_slot"}
    assert shipped.turn.ended_by == "assemblyai"


def test_numbers_direction_and_parameters_reach_prompt_and_greeting(tmp_path: Path) -> None:
    loaded = definition.load(write(tmp_path, MINIMAL))

    instructions, greeting = loaded.texts(
        direction="outbound",
        from_="+15550100000",
        to="+15550100123",
        parameters={"name": "Mr Reyes", "case": "77"},
    )

    assert greeting == "Hello Mr Reyes."
    assert "Be kind to Mr Reyes." in instructions
    assert "outbound call from +15550100000 to +15550100123" in instructions
    assert "case: 77" in instructions
    assert datetime.date.today().isoformat() in instructions


def test_a_call_without_parameters_uses_their_defaults(tmp_path: Path) -> None:
    loaded = definition.load(write(tmp_path, MINIMAL))

    assert loaded.texts(direction="outbound", from_="", to="", parameters={})[1] == "Hello friend."


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('name = "x"', "name = "), "is not TOML"),
        (("trouble", "troubel"), "troubel|trouble"),
        (("[greeting]", "returning = ' '\n[greeting]"), "returning is empty"),
        (('$name."', '$nobody."'), r"\$nobody has no default"),
        (("Be kind", "Costs $ 5. Be kind"), r"write \$\$"),
        (("[greeting]", '[turn]\nended_by = "magic"\n[greeting]'), "is wrong"),
        (
            ("[greeting]", "[turn.assemblyai]\nmin_turn_silence = 900\nmax_turn_silence = 100\n[greeting]"),
            "is above",
        ),
        (
            ("[greeting]", "[listening]\nmodel = 'universal-streaming-english'\n[greeting]"),
            'set ended_by = "vad" under',
        ),
        (("[greeting]", "[voice]\nmodel = 'coda'\n[greeting]"), r"model under \[voice\] is for Rime"),
        (("[greeting]", "[voice]\nspeed = 1.8\n[greeting]"), r"speed 1.8 under \[voice\] is not from 0.7 to 1.5"),
        (("[greeting]", "[voice]\nservice = 'rime'\nspeed = 2.5\n[greeting]"), "is not from 0.5 to 2"),
        (("[greeting]", "[voice]\nservice = 'rime'\nmodel = 'aura'\n[greeting]"), "Rime has no model 'aura'"),
        (("[greeting]", f"[listening]\nkeyterms = ['{'x' * 51}']\n[greeting]"), "keyterms"),
        (("[greeting]", "[turn.assemblyai]\ninterruption_delay = 2000\n[greeting]"), "from 0 to 1000"),
        (("[greeting]", "[listening]\nlanguage_codes = ['klingon']\n[greeting]"), "cannot be klingon"),
        (("[greeting]", "[listening.session]\nvoice_fokus = 'far-field'\n[greeting]"), "mean voice_focus"),
        (("[greeting]", "[listening.session]\nsample_rate = 8000\n[greeting]"), "sample_rate cannot be set"),
        (
            ("[greeting]", "[listening.session]\nvad_threshold = 0.3\n[greeting]"),
            r"it belongs into \[turn.assemblyai\] as vad_threshold",
        ),
    ],
)
def test_a_wrong_definition_says_where(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(DefinitionError, match=told):
        definition.load(write(tmp_path, MINIMAL.replace(*change)))


@pytest.mark.parametrize(
    ("voice", "asked"),
    [
        (Voice(), ("aura-2-thalia-en", None)),
        (Voice(service="rime"), ("astra", "coda", None)),
        (Voice(service="rime", speed=1.25), ("astra", "coda", 1.25)),
        # Rime's voices before Mist v3 are faster where the number is lower, and Mist has not Coda's speakers.
        (Voice(service="rime", model="mistv2", speed=1.25), ("cove", "mistv2", 0.8)),
        (Voice(service="rime", name="luna", model="mistv3", speed=0.5), ("luna", "mistv3", 0.5)),
    ],
)
def test_a_voice_has_a_name_and_a_speed_of_its_service(voice: Voice, asked: tuple[Any, ...]) -> None:
    found = (voice.speaker, voice.rime_model, voice.rime_speed_alpha)
    assert (found if voice.service == "rime" else (voice.speaker, voice.speed)) == asked


TUNED = """
[listening]
keyterms = ["Ada"]
language_codes = ["en", "multi"]
prompt = "A clinic."
[listening.session]
voice_focus = "near-field"
redact_pii = true
[turn]
ended_by = "ENDED_BY"
[turn.assemblyai]
max_turn_silence = 1500
vad_threshold = 0.3
continuous_partials = false
end_of_turn_confidence_threshold = 0.7
interruption_delay = 200
"""
OF_THE_SESSION = {
    "keyterms_prompt": '["Ada"]', "language_codes": '["en", "multi"]', "prompt": "A clinic.",
    "voice_focus": "near-field", "redact_pii": "true", "vad_threshold": "0.3", "continuous_partials": "false",
    "interruption_delay": "200",
}  # fmt: skip


def query(loaded: definition.Definition) -> dict[str, str]:
    """What Pipecat asks AssemblyAI for."""
    service = speech_to_text(loaded, "ws://127.0.0.1:9/v3/ws")
    service._sample_rate = 8000
    return dict(parse_qsl(urlsplit(service._build_ws_url()).query, strict_parsing=True))


def test_no_setting_of_the_session_vanishes_on_the_way_to_assemblyai(tmp_path: Path) -> None:
    loaded = definition.load(write(tmp_path, MINIMAL + TUNED.replace("ENDED_BY", "assemblyai")))
    asked = query(loaded)

    turns = {"mode": "balanced", "max_turn_silence": "1500", "end_of_turn_confidence_threshold": "0.7"}
    assert {**OF_THE_SESSION, **turns}.items() <= asked.items()
    assert asked.keys() >= loaded.stt_parameters().keys()
    assert asked["speech_model"] == "universal-3-6-pro"


def test_where_the_vad_ends_turns_nothing_is_asked_that_would_end_them(tmp_path: Path) -> None:
    asked = query(definition.load(write(tmp_path, MINIMAL + TUNED.replace("ENDED_BY", "vad"))))

    assert OF_THE_SESSION.items() <= asked.items()
    assert (asked["min_turn_silence"], asked["max_turn_silence"]) == ("100", "100")
    assert not {"mode", "end_of_turn_confidence_threshold"} & asked.keys()


def test_a_missing_definition_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="cannot be read"):
        definition.load(tmp_path / "none.toml")


def test_a_tool_that_is_not_there_is_named() -> None:
    tool = definition.ToolDefinition(name="fly", description="", function="agent.tools.clinic:fly")
    with pytest.raises(DefinitionError, match="The tool fly names agent"):
        tools.find([tool])


def _weekday() -> str:
    day = datetime.date.today() + datetime.timedelta(days=7)
    while day.weekday() >= 5:
        day += datetime.timedelta(days=1)
    return day.isoformat()


async def test_a_slot_that_was_found_can_be_booked_once() -> None:
    found = (await clinic.find_slots(_weekday())).value["slots"]
    slot = found[0]["slot_id"]

    assert (await clinic.book_slot(slot, "Reyes")).value["booked"]
    assert not (await clinic.book_slot(slot, "Again")).value["booked"]
    assert slot not in [free["slot_id"] for free in (await clinic.find_slots(_weekday())).value["slots"]]


@pytest.mark.parametrize("day", ["tomorrow", "2020-01-01", "2026-13-40"])
async def test_a_day_that_cannot_be_gives_no_slots(day: str) -> None:
    assert not (await clinic.find_slots(day)).value.get("slots")


async def test_a_failing_tool_is_an_answer_for_the_llm_and_an_error_for_people() -> None:
    told: list[object] = []
    shipped = tools.find(definition.load(definition.SHIPPED).tools)
    box = ToolBox(shipped, told.append)

    value = await box.call("find_slots", "t1", {"nonsense": 1}, turn=3)
    unknown = await box.call("fly", "t2", {}, turn=3)

    assert "error" in value
    assert "error" in unknown
    assert [type(event).__name__ for event in told] == ["ToolCalled", "ToolReturned", "Error"] * 2
