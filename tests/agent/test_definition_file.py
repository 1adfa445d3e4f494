"""Saving tuned values: they are in the file afterwards, and everything else in it is as it was."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pytest

from agent import definition, settings
from agent.definition import SHIPPED
from agent.definition_file import DefinitionFile, SaveError

MINIMAL = """name = "x"  # a name
instructions = "Be kind."
trouble = "Sorry."
greeting = { inbound = "Hello.", outbound = "Hello." }
"""
VALUES: dict[str, Any] = {
    "mode": "min_latency",
    "min_turn_silence": 600,
    "vad_threshold": 0.3,
    "continuous_partials": False,
    "keyterms_prompt": ["Ada", "half past three"],
    "prompt": 'A "clinic".',
    "session_heartbeat": True,
}


def opened(path: Path, text: str, mode: int = 0o640) -> DefinitionFile:
    path.write_bytes(text.encode())
    path.chmod(mode)
    return DefinitionFile(path, definition.load(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.toml"


@pytest.mark.parametrize(
    "written",
    [
        SHIPPED.read_text(),
        SHIPPED.read_text().replace("\n", "\r\n"),
        MINIMAL,
        MINIMAL.rstrip(),
        MINIMAL + "[turn.vad]\nstart_s = 0.3 # slow\n[llm]\nmodel = 'm'\n",
        MINIMAL + "turn = { assemblyai = { mode = 'balanced' } }\n",
        MINIMAL + "turn.assemblyai.mode = 'balanced' # of 1\nlistening.keyterms = ['x']\n",
        MINIMAL + "[turn]\nassemblyai.mode = 'balanced'\n[listening]\nsession = { voice_focus = 'far-field' }\n",
        MINIMAL
        + "[turn.vad]\n[llm]\n[turn.assemblyai]\nmode = 'balanced'\n[listening.session]\n[voice]\n[listening]\n",
        MINIMAL + "[turn.assemblyai]\nmin_turn_silence = 320 # heard best\n# by hand: max_turn_silence = 1\n",
    ],
)
def test_however_it_is_written_the_values_are_in_it_afterwards(path: Path, written: str) -> None:
    file = opened(path, written)
    before = file.definition

    assert file.save(VALUES) == VALUES

    saved = definition.load(path)
    assert saved == file.definition
    assert saved.stt_parameters() == before.stt_parameters() | VALUES
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in path.parent.iterdir()] == ["agent.toml"]
    gone = [
        line[2:] for line in difflib.ndiff(written.splitlines(), path.read_text().splitlines()) if line[0] == "-"
    ]
    assert all("mode" in line or "silence" in line or "keyterms" in line or "session" in line for line in gone)
    assert [line for line in gone if line.startswith("#")] == []


def test_comments_and_line_ends_stay(path: Path) -> None:
    file = opened(path, MINIMAL + "[turn.assemblyai]\r\nmin_turn_silence = 320 # heard best\r\n")

    file.save({"min_turn_silence": 600})

    assert path.read_bytes().endswith(b"[turn.assemblyai]\r\nmin_turn_silence = 600 # heard best\r\n")


def test_what_it_has_already_is_not_written_again(path: Path) -> None:
    file = opened(path, MINIMAL + "[turn.assemblyai]\nmin_turn_silence = 320\n")
    before = path.stat().st_ino

    assert file.save({"min_turn_silence": 320, "mode": "balanced"}) == {}
    assert file.save({"min_turn_silence": 320, "vad_threshold": 0.4}) == {"vad_threshold": 0.4}
    assert path.stat().st_ino != before


def test_a_list_and_a_text_can_be_cleared(path: Path) -> None:
    file = opened(path, MINIMAL + "[listening]\nkeyterms = ['x']\nprompt = 'y'\n")

    file.save({"keyterms_prompt": [], "prompt": ""})

    assert not {"keyterms_prompt", "prompt"} & definition.load(path).stt_parameters().keys()


def test_a_file_that_somebody_changed_is_left_alone(path: Path) -> None:
    file = opened(path, MINIMAL)
    other = MINIMAL.replace("Be kind.", "Be quick.")
    path.write_text(other)

    with pytest.raises(SaveError, match="was changed since the agent read it: restart the agent"):
        file.save(VALUES)
    assert path.read_text() == other


def test_a_comment_that_somebody_wrote_meanwhile_stays(path: Path) -> None:
    file = opened(path, MINIMAL)
    path.write_text("# mine\n" + MINIMAL)

    file.save({"min_turn_silence": 600})

    assert path.read_text().startswith("# mine\n")


@pytest.mark.parametrize(("text", "says"), [("name =", "is wrong now"), (None, "cannot be read")])
def test_a_file_that_is_broken_or_gone_is_told(path: Path, text: str | None, says: str) -> None:
    file = opened(path, MINIMAL)
    path.unlink() if text is None else path.write_text(text)

    with pytest.raises(SaveError, match=says):
        file.save(VALUES)


def test_a_file_that_may_not_be_written_is_told_and_left_alone(path: Path) -> None:
    file = opened(path, MINIMAL, 0o444)

    with pytest.raises(SaveError, match="is read-only: allow writing to it"):
        file.save(VALUES)
    assert path.read_text() == MINIMAL
    assert file.definition == definition.load(path)


def test_values_that_cannot_be_together_are_refused(path: Path) -> None:
    file = opened(path, MINIMAL + "[turn.assemblyai]\nmax_turn_silence = 400\n")

    with pytest.raises(SaveError, match="min_turn_silence 600 is above max_turn_silence 400"):
        file.save({"min_turn_silence": 600})
    assert "600" not in path.read_text()


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    opened(path, MINIMAL)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    file = DefinitionFile(link, definition.load(link))

    file.save({"min_turn_silence": 600})

    assert link.is_symlink()
    assert definition.load(path).turn.assemblyai.min_turn_silence == 600


def test_the_shipped_definition_is_copied_and_the_copy_answers_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDETONE_DATA_DIR", str(tmp_path))
    before = SHIPPED.read_bytes()
    chosen = settings.read({})
    file = DefinitionFile(chosen.definition, definition.load(chosen.definition), chosen.definition_copy)

    file.save({"min_turn_silence": 600})
    file.save({"min_turn_silence": 700})

    assert SHIPPED.read_bytes() == before
    again = settings.read({})
    assert again.definition == file.path == tmp_path / "front_desk.toml"
    assert definition.load(again.definition).turn.assemblyai.min_turn_silence == 700
    assert file.path.read_text().startswith("# A copy of Sidetone's own front_desk.toml")
    assert file.path.read_text().count("# A copy") == 1
    assert settings.read({"SIDETONE_AGENT": str(SHIPPED)}).definition == SHIPPED


def test_the_shipped_definition_is_never_edited(tmp_path: Path) -> None:
    shipped = definition.load(SHIPPED)
    copy = tmp_path / "front_desk.toml"
    copy.write_text("mine")

    with pytest.raises(SaveError, match="SIDETONE_AGENT names Sidetone's own definition"):
        DefinitionFile(SHIPPED, shipped).save(VALUES)
    with pytest.raises(SaveError, match="exists already: restart the agent to use it"):
        DefinitionFile(SHIPPED, shipped, copy).save(VALUES)
    assert copy.read_text() == "mine"
