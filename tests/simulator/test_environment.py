"""The printed environment: what a shell, a .env reader and a program make of it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.commands.print_environment import write
from simulator.environment import as_dotenv, as_export, as_json, as_powershell, environment, merged

VALUES = environment("127.0.0.1", 8791, "a+b/c=")
NAMES = st.from_regex(r"[A-Z][A-Z_]{0,12}", fullmatch=True)
ENVIRONMENTS = st.dictionaries(
    NAMES, st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=40)
)


def test_the_clients_own_names_carry_the_simulator(tmp_path: Path) -> None:
    assert VALUES["TELNYX_BASE_URL"] == "http://127.0.0.1:8791/v2"
    assert VALUES["OPENAI_BASE_URL"] == "http://127.0.0.1:8791/v1"
    assert VALUES["DEEPGRAM_BASE_URL"] == VALUES["ASSEMBLYAI_BASE_URL"] == "ws://127.0.0.1:8791"
    assert (VALUES["RIME_BASE_URL"], VALUES["RIME_API_KEY"]) == ("ws://127.0.0.1:8791", "simulated")
    assert environment("::1", 1, "k")["TELNYX_BASE_URL"] == "http://[::1]:1/v2"
    assert Path(VALUES["PIPECAT_SETUP_FILES"]).is_file()


def test_the_vendors_sdks_read_those_names(monkeypatch: pytest.MonkeyPatch) -> None:
    import openai
    import telnyx

    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)

    client = telnyx.Telnyx()
    assert str(client.base_url) == "http://127.0.0.1:8791/v2/"
    assert (client.api_key, client.public_key) == ("simulated", "a+b/c=")
    assert str(openai.OpenAI().base_url) == "http://127.0.0.1:8791/v1/"


def test_a_shell_evaluates_export_lines() -> None:
    wild = {**VALUES, "WILD": 'it\'s $HOME `x` "y" \\ z'}
    script = as_export(wild) + 'printf %s "$WILD$TELNYX_PUBLIC_KEY"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == wild["WILD"] + "a+b/c="


def test_docker_gets_values_without_quotes() -> None:
    assert "'" not in as_dotenv(VALUES)
    assert '"' not in as_dotenv(VALUES)


def test_powershell_doubles_its_quotes() -> None:
    assert as_powershell({"A": "it's"}) == "$env:A = 'it''s'\n"


@given(
    ENVIRONMENTS.map(
        lambda values: {name: value.replace("\\", "").replace("$", "") for name, value in values.items()}
    )
)
@settings(max_examples=100, deadline=None)
def test_dotenv_lines_are_read_back(values: dict[str, str]) -> None:
    assert dotenv_values(stream=io.StringIO(as_dotenv(values)), interpolate=False) == values
    assert json.loads(as_json(values)) == values


@given(
    st.lists(
        st.sampled_from(["# a comment", "", "OWN=1", "OPENAI_API_KEY=sk-real", "export TELNYX_API_KEY='KEY'", "x"])
    ),
    st.sampled_from(["\n", ""]),
)
@settings(max_examples=100, deadline=None)
def test_a_merged_file_keeps_its_own_lines_and_holds_each_value_once(lines: list[str], end: str) -> None:
    after = merged("\n".join(lines) + (end if lines else ""), VALUES)
    kept = [line for line in lines if line and "API_KEY" not in line]

    assert [line for line in after.splitlines() if line in kept][: len(kept)] == kept
    for name, value in VALUES.items():
        assert re.findall(rf"^{name}=(.*)$", after, re.MULTILINE) == [value]
    assert merged(after, VALUES) == after


def test_a_written_file_is_its_owners_alone(tmp_path: Path) -> None:
    real, link = tmp_path / "real.env", tmp_path / ".env"
    real.write_text("OWN=1\n")
    real.chmod(0o644)
    link.symlink_to(real)
    write(link, VALUES)

    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert dotenv_values(real) == {"OWN": "1", **VALUES}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "real.env"]


async def printed(data: Path, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", "--data-dir", str(data), *arguments,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_a_running_simulator_is_found_and_told(simulator: Any, tmp_path: Path) -> None:
    status, out, err = await printed(tmp_path, "--print-env", "--format", "json")
    assert (status, err) == (0, "")
    assert json.loads(out) == simulator.environment

    file = tmp_path / "bot.env"
    status, out, err = await printed(tmp_path, "--print-env", "--env-file", str(file))
    assert out == as_export(simulator.environment)
    assert str(file) in err
    assert dotenv_values(file) == simulator.environment


async def test_without_one_the_sentence_says_how_to_start_it(tmp_path: Path) -> None:
    status, out, err = await printed(tmp_path, "--print-env")
    assert (status, out) == (1, "")
    assert "sidetone simulator" in err
