from __future__ import annotations

from pathlib import Path

import pytest

from console.environment import PlanError, decide, dialled_line, read_settings

_SIMULATOR = {
    "TELNYX_BASE_URL": "http://127.0.0.1:1/v2", "TELNYX_API_KEY": "simulated", "TELNYX_PUBLIC_KEY": "key",
    "ASSEMBLYAI_BASE_URL": "ws://127.0.0.1:1", "ASSEMBLYAI_API_KEY": "simulated",
    "OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_API_KEY": "simulated",
    "DEEPGRAM_BASE_URL": "ws://127.0.0.1:1", "DEEPGRAM_API_KEY": "simulated",
}  # fmt: skip
_KEYS = {"ASSEMBLYAI_API_KEY": "a-secret", "OPENAI_API_KEY": "b-secret", "DEEPGRAM_API_KEY": "c-secret"}


def test_without_keys_everything_is_simulated() -> None:
    plan = decide({"ASSEMBLYAI_API_KEY": " ", "OPENAI_API_KEY": ""})
    given = plan.agent_environment(_SIMULATOR)

    assert dict(plan.services) == {"line": "SIM", "stt": "SIM", "llm": "SIM", "tts": "SIM"}
    assert plan.needs_simulator
    assert plan.agent_port == 0
    assert given.items() >= _SIMULATOR.items()
    assert given["TELNYX_CONNECTION_ID"] == "1494404757140276701"
    assert given["TELNYX_PHONE_NUMBER"] == "+15550100000"
    assert given["SIDETONE_PUBLIC_URL"] == ""
    assert given["SIDETONE_ALLOWED_PREFIXES"] == "*"


def test_a_service_with_a_key_is_live_and_gets_nothing_from_us() -> None:
    plan = decide({"ASSEMBLYAI_API_KEY": "a-secret"})
    given = plan.agent_environment(_SIMULATOR)

    assert dict(plan.services) == {"line": "SIM", "stt": "LIVE", "llm": "SIM", "tts": "SIM"}
    assert not [name for name in given if name.startswith("ASSEMBLYAI")]
    assert given["OPENAI_API_KEY"] == "simulated"
    assert "a-secret" not in given.values()
    assert "a-secret" not in repr(plan)


def test_a_service_can_be_simulated_whatever_keys_there_are() -> None:
    plan = decide(_KEYS, simulated=("stt", "tts"))

    assert dict(plan.services) == {"line": "SIM", "stt": "SIM", "llm": "LIVE", "tts": "SIM"}
    assert plan.agent_environment(_SIMULATOR)["ASSEMBLYAI_API_KEY"] == "simulated"


def test_a_live_line_is_only_taken_when_asked_for() -> None:
    assert decide({"TELNYX_API_KEY": "k", **_KEYS}).services["line"] == "SIM"
    plan = decide({"TELNYX_API_KEY": "k", **_KEYS}, line="telnyx")
    given = plan.agent_environment(_SIMULATOR)

    assert plan.services["line"] == "LIVE"
    assert not plan.needs_simulator
    assert plan.agent_port is None
    assert not [name for name in given if name.startswith(("TELNYX", "SIDETONE"))]


def test_own_settings_are_kept() -> None:
    plan = decide({"SIDETONE_ALLOWED_PREFIXES": "+1 +44", "SIDETONE_AGENT_PORT": "8790"})

    assert "SIDETONE_ALLOWED_PREFIXES" not in plan.agent_environment(_SIMULATOR)
    assert plan.agent_port is None


@pytest.mark.parametrize(("line", "simulated"), [("twilio", ()), ("sim", ("line",)), ("sim", ("stt", "video"))])
def test_what_makes_no_sense_is_refused(line: str, simulated: tuple[str, ...]) -> None:
    with pytest.raises(PlanError, match=r"choose"):
        decide({}, line, simulated)


@pytest.mark.parametrize("framework", ["pipecat", "livekit"])
def test_the_agent_runs_on_what_was_asked_for(framework: str) -> None:
    given = decide({"SIDETONE_FRAMEWORK": "pipecat"}, framework=framework).agent_environment(_SIMULATOR)

    assert given["SIDETONE_FRAMEWORK"] == framework
    assert "SIDETONE_FRAMEWORK" not in decide({}).agent_environment(_SIMULATOR)


def test_rooms_are_livekits_own() -> None:
    assert decide({}, rooms=True).framework == "livekit"
    assert decide({}, rooms=True, framework="livekit").agent_environment(_SIMULATOR)["SIDETONE_ROOMS"] == "on"
    with pytest.raises(PlanError, match=r"--framework livekit"):
        decide({}, rooms=True, framework="pipecat")
    with pytest.raises(PlanError, match=r"choose one of pipecat, livekit"):
        decide({}, framework="vapi")


def test_a_simulator_that_says_too_little_is_refused() -> None:
    with pytest.raises(PlanError, match=r"nothing of DEEPGRAM_API_KEY"):
        decide({}).agent_environment({**_SIMULATOR, "DEEPGRAM_API_KEY": ""})


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-file\nDEEPGRAM_API_KEY='quoted'\nEMPTY\n")
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")

    settings = read_settings(tmp_path)

    assert settings["OPENAI_API_KEY"] == "from-environment"
    assert settings["DEEPGRAM_API_KEY"] == "quoted"
    assert "EMPTY" not in settings


def test_the_simulator_gets_its_settings_and_no_key() -> None:
    plan = decide({"SIDETONE_RECOGNISER": "whisper", "SIDETONE_RECOGNISER_MODEL": "", **_KEYS})

    assert plan.simulator_environment() == {"SIDETONE_RECOGNISER": "whisper"}


def test_the_definition_says_whose_key_makes_the_voice_live(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    named = {"SIDETONE_AGENT": str(file), "DEEPGRAM_API_KEY": "c-secret"}
    assert decide(named).services["tts"] == "LIVE"

    file.write_text('[voice]\nservice = "rime"\n')
    plan = decide(named)
    simulator = {**_SIMULATOR, "RIME_BASE_URL": "ws://127.0.0.1:1", "RIME_API_KEY": "simulated"}
    assert plan.services["tts"] == "SIM"
    given = plan.agent_environment(simulator)
    assert (given["RIME_BASE_URL"], given["RIME_API_KEY"]) == ("ws://127.0.0.1:1", "simulated")
    assert not [name for name in given if name.startswith("DEEPGRAM")]
    with pytest.raises(PlanError, match=r"nothing of RIME_BASE_URL"):
        plan.agent_environment(_SIMULATOR)

    live = decide({**named, "RIME_API_KEY": "d-secret"})
    assert live.services["tts"] == "LIVE"
    assert not [name for name in live.agent_environment(simulator) if name.startswith("RIME")]


@pytest.mark.parametrize("text", ["", "[voice", 'voice = "rime"', '[voice]\nservice = "other"\n'])
def test_a_definition_that_says_nothing_of_it_has_deepgrams_voice(tmp_path: Path, text: str) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(text)
    assert decide({"SIDETONE_AGENT": str(file)}).voice == "deepgram"


def test_rooms_are_live_and_their_settings_are_the_agents_own() -> None:
    rooms = {"LIVEKIT_URL": "wss://a.livekit.cloud", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s"}
    asked, named = decide(rooms, rooms=True), decide(rooms, line="livekit")
    given = asked.agent_environment(_SIMULATOR)

    assert (asked.line, asked.rooms, asked.services["line"]) == ("livekit", True, "LIVE")
    assert (named.line, named.rooms) == ("livekit", True)
    assert asked.agent_port == 0
    assert (given["SIDETONE_ROOMS"], given["SIDETONE_FRAMEWORK"]) == ("on", "livekit")
    assert not [name for name in given if name.startswith(("LIVEKIT", "TELNYX"))]
    assert given["OPENAI_API_KEY"] == "simulated"
    assert dialled_line(asked.line) == "livekit"


def test_an_agent_on_telnyx_line_can_take_calls_in_rooms_too() -> None:
    plan = decide({}, line="telnyx", rooms=True)

    assert (plan.line, plan.rooms, plan.agent_port) == ("telnyx", True, None)
    assert dialled_line(plan.line) == "telnyx"


def test_rooms_are_only_taken_when_asked_for() -> None:
    plan = decide({"SIDETONE_ROOMS": "on"})

    assert plan.services["line"] == "SIM"
    assert plan.agent_environment(_SIMULATOR)["SIDETONE_ROOMS"] == "off"
    assert dialled_line(plan.line) == ""
