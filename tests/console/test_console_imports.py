"""What a fresh interpreter must not load on its way to the first paint."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LATER = {"dotenv", "httpx", "phonenumbers", "typer", "websockets", "yaml"}
_NEVER = {
    "av",
    "livekit",
    "miniaudio",
    "numpy",
    "pipecat",
    "simulator",
    "sounddevice",
    "soundfile",
    "starlette",
    "telnyx",
    "uvicorn",
}


def _loaded(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(result.stdout.split())


def test_the_screen_loads_nothing_that_it_does_not_need_yet() -> None:
    assert _loaded("import console.cli, console.app, console.session") & (_LATER | _NEVER) == set()


@pytest.mark.parametrize(
    "module",
    [
        "console.command_line.call",
        "console.command_line.history",
        "console.command_line.processes",
        "console.command_line.stt",
    ],
)
def test_the_command_line_does_without_the_screen(module: str) -> None:
    assert (
        _loaded(f"import console.cli, console.command_line.app, {module}") & {"textual", "pipecat", "telnyx"}
        == set()
    )


def test_the_agent_is_only_known_by_its_contract() -> None:
    code = "import sys, console.app, console.command_line.call, console.command_line.history\n"
    code += "print(*{'.'.join(name.split('.')[:2]) for name in sys.modules if name.startswith('agent')})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    contract = (
        "api call_state desk event_families events history paths room_state stt_parameters tuning tuning_text "
        "turn_detection"
    )
    assert set(result.stdout.split()) <= {"agent", *(f"agent.{name}" for name in contract.split())}


def test_what_few_calls_need_is_loaded_when_it_is_asked_for() -> None:
    code = "import sys, console.app\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    loaded = set(result.stdout.split())
    assert not {"console.screens.tuning", "console.screens.turn_ends", "agent.stt_parameters"} & loaded
    assert not {"console.screens.desk", "console.sound_desk", "console.sound_link", "console.sound"} & loaded
