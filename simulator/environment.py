"""The environment that points a bot at the simulator, and how shells and .env files write it. Pure.

Which client reads which name:

- `TELNYX_BASE_URL`, `TELNYX_API_KEY`, `TELNYX_PUBLIC_KEY`: Telnyx's SDKs.
- `OPENAI_BASE_URL`, `OPENAI_API_KEY`: OpenAI's SDKs, and Pipecat and LiveKit through them.
- `ASSEMBLYAI_API_KEY`, `DEEPGRAM_API_KEY`, `RIME_API_KEY`: the vendors' SDKs, and LiveKit's plugins. No client
  takes the address of a streaming API from the environment; a bot hands `ASSEMBLYAI_BASE_URL`,
  `DEEPGRAM_BASE_URL` or `RIME_BASE_URL` to its client.
- `TELNYX_SIP_USERNAME`, `TELNYX_SIP_PASSWORD`: `sidetone setup livekit`, for LiveKit's outbound trunk, whose
  address is `TELNYX_SIP_ADDRESS`. There only when the simulator has a SIP trunk.
- `PIPECAT_SETUP_FILES`: Pipecat 1.x loads the file in the bot's process, where it does so for every client.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

API_KEY: Final = "simulated"
PIPECAT_SETUP: Final = Path(__file__).parent / "bots" / "pipecat_setup.py"

_PLAIN: Final = re.compile(r"[\w@%+=:,./-]*", re.ASCII)
_ASSIGNED: Final = re.compile(r"\s*(?:export\s+)?(\w+)\s*=", re.ASCII)


def environment(host: str, port: int, public_key: str, api_key: str | None = None) -> dict[str, str]:
    """Names and values as the vendors' clients read them; `public_key` is Telnyx's webhook key in base64."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return {
        "TELNYX_BASE_URL": f"http://{authority}/v2",
        "TELNYX_API_KEY": api_key or API_KEY,
        "TELNYX_PUBLIC_KEY": public_key,
        "ASSEMBLYAI_BASE_URL": f"ws://{authority}",
        "ASSEMBLYAI_API_KEY": API_KEY,
        "OPENAI_BASE_URL": f"http://{authority}/v1",
        "OPENAI_API_KEY": API_KEY,
        "DEEPGRAM_BASE_URL": f"ws://{authority}",
        "DEEPGRAM_API_KEY": API_KEY,
        "RIME_BASE_URL": f"ws://{authority}",
        "RIME_API_KEY": API_KEY,
        "PIPECAT_SETUP_FILES": str(PIPECAT_SETUP),
    }


def sip_environment(address: str, user_name: str, password: str) -> dict[str, str]:
    """`address` is host:port of the SIP trunk."""
    return {"TELNYX_SIP_ADDRESS": address, "TELNYX_SIP_USERNAME": user_name, "TELNYX_SIP_PASSWORD": password}


def as_export(values: Mapping[str, str]) -> str:
    """Lines for `eval` in a POSIX shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def as_dotenv(values: Mapping[str, str]) -> str:
    """Lines of a .env file; quoted only where they must be, since `docker --env-file` keeps quotes."""
    return "".join(_assignment(name, value) for name, value in values.items())


def as_powershell(values: Mapping[str, str]) -> str:
    """Lines for `Invoke-Expression`."""
    return "".join("$env:{} = '{}'\n".format(name, value.replace("'", "''")) for name, value in values.items())


def as_json(values: Mapping[str, str]) -> str:
    """One object on one line."""
    return json.dumps(dict(values)) + "\n"


FORMATS: Final[Mapping[str, Callable[[Mapping[str, str]], str]]] = {
    "export": as_export,
    "dotenv": as_dotenv,
    "json": as_json,
    "powershell": as_powershell,
}


def merged(text: str, values: Mapping[str, str]) -> str:
    """`text` of a .env file with `values` in it: names that are there keep their place, others come last."""
    left = dict(values)
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        found = _ASSIGNED.match(line)
        name = found[1] if found is not None else ""
        if name not in values:
            lines.append(line)
        elif name in left:
            lines.append(_assignment(name, left.pop(name)))
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join(lines) + as_dotenv(left)


def _assignment(name: str, value: str) -> str:
    if _PLAIN.fullmatch(value):
        return f"{name}={value}\n"
    if "'" not in value:
        return f"{name}='{value}'\n"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"\n'
