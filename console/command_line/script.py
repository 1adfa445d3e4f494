"""What the simulated caller says, from the command line or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class ScriptError(Exception):
    """The script cannot be used; one sentence."""


def from_lines(lines: list[str]) -> dict[str, Any]:
    """A caller who says each line when the agent has finished."""
    return {"turns": [{"user": line} for line in lines]}


def from_file(path: Path) -> dict[str, Any]:
    """A script in YAML with the words of Pipecat's evals: ``turns`` of ``user`` and ``send_after``; the simulator
    checks the rest.

    Raises:
        ScriptError: the file cannot be read or is no script.
    """
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScriptError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise ScriptError(f"{path} is not YAML: {first}.") from error
    if not isinstance(found, dict) or not isinstance(found.get("turns"), list):
        raise ScriptError(f"{path} is no script: it needs a list named turns.")
    return found
