"""Which services are real, and the environment that makes the agent use them or their stand-ins.

A service whose key is set is used live; one without is stood in by the simulator. The telephone line is
simulated unless a live one is asked for, because it is the one that rings at somebody's ear.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Mode = Literal["SIM", "LIVE"]

SERVICES = ("line", "stt", "llm", "tts")
KEYS = {"stt": "ASSEMBLYAI_API_KEY", "llm": "OPENAI_API_KEY", "tts": "DEEPGRAM_API_KEY"}
LINES = ("sim", "telnyx")

SIM_CONNECTION = "1494404757140276701"
"""The Call Control application that a fresh simulated account has."""
SIM_NUMBER = "+15550100000"
"""The agent's own number on the simulated line."""
SIM_CALLEE = "+15550100123"
"""Who is dialled on the simulated line when nobody else is named."""
SIM_PHONE = "+15550100190"
"""The softphone's number on the simulated line."""

_NAMES = {
    "line": ("TELNYX_BASE_URL", "TELNYX_API_KEY", "TELNYX_PUBLIC_KEY"),
    "stt": ("ASSEMBLYAI_BASE_URL", "ASSEMBLYAI_API_KEY"),
    "llm": ("OPENAI_BASE_URL", "OPENAI_API_KEY"),
    "tts": ("DEEPGRAM_BASE_URL", "DEEPGRAM_API_KEY"),
}
_FRUGAL = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "100000"}
_SIMULATOR = ("SIDETONE_RECOGNISER", "SIDETONE_RECOGNISER_MODEL", "SIDETONE_STT_SESSIONS")


class PlanError(Exception):
    """What was asked for makes no sense; one sentence."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``services`` maps line, stt, llm and tts to SIM or LIVE; ``settings`` is .env below the environment."""

    services: Mapping[str, Mode]
    settings: Mapping[str, str] = field(repr=False)

    @property
    def needs_simulator(self) -> bool:
        return "SIM" in self.services.values()

    @property
    def agent_port(self) -> int | None:
        """0 for any; a live line gets the agent's own choice (None), since a public address points at it."""
        fixed = self.settings.get("SIDETONE_AGENT_PORT") or self.services["line"] == "LIVE"
        return None if fixed else 0

    def simulator_environment(self) -> dict[str, str]:
        """What to put over the environment of ``python -m simulator``, which reads no .env."""
        return {name: value for name in _SIMULATOR if (value := self.settings.get(name, ""))}

    def agent_environment(self, simulator: Mapping[str, str]) -> dict[str, str]:
        """What to put over the environment of ``python -m agent``.

        ``simulator`` is what the simulator's ``/sim/environment`` says. A live service gets nothing, since the
        agent reads its own .env.

        Raises:
            PlanError: the simulator does not say everything.
        """
        chosen = dict(_FRUGAL)
        for service, mode in self.services.items():
            if mode == "SIM":
                chosen.update({name: simulator.get(name, "") for name in _NAMES[service]})
        if self.services["line"] == "SIM":
            chosen["TELNYX_CONNECTION_ID"] = SIM_CONNECTION
            chosen["TELNYX_PHONE_NUMBER"] = SIM_NUMBER
            chosen["SIDETONE_PUBLIC_URL"] = ""
            if not self.settings.get("SIDETONE_ALLOWED_PREFIXES"):
                chosen["SIDETONE_ALLOWED_PREFIXES"] = "*"
        missing = [name for name, value in chosen.items() if not value and name != "SIDETONE_PUBLIC_URL"]
        if missing:
            raise PlanError(f"The simulator says nothing of {missing[0]}: run `sidetone stop` and try again.")
        return chosen


def decide(settings: Mapping[str, str], line: str = "sim", simulated: Collection[str] = ()) -> Plan:
    """The plan for ``line`` (sim or telnyx), with the services in ``simulated`` stood in whatever keys there are.

    Raises:
        PlanError: there is no such line or service.
    """
    if line not in LINES:
        raise PlanError(f"There is no line {line!r}: choose one of {', '.join(LINES)}.")
    unknown = sorted(set(simulated) - set(KEYS))
    if unknown:
        raise PlanError(f"{unknown[0]!r} cannot be simulated: choose from {', '.join(KEYS)}.")
    services: dict[str, Mode] = {"line": "LIVE" if line == "telnyx" else "SIM"}
    for service, key in KEYS.items():
        services[service] = "LIVE" if settings.get(key, "").strip() and service not in simulated else "SIM"
    return Plan(services, settings)


def read_settings(folder: Path | None = None) -> dict[str, str]:
    """The environment of this process over the ``.env`` of the working folder."""
    from dotenv import dotenv_values

    file = (folder or Path.cwd()) / ".env"
    values = {name: value for name, value in dotenv_values(file).items() if value is not None}
    return {**values, **os.environ}
