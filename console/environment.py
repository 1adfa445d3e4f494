"""Which services are real, and the environment that makes the agent use them or their stand-ins.

A service whose key is set is used live; one without is stood in by the simulator. The telephone line is
simulated unless a live one is asked for, because it is the one that rings at somebody's ear. Calls in LiveKit
rooms are live wherever their server is: its SIP trunk may reach telephones.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from console.voice_service import VoiceService, voice_service

Mode = Literal["SIM", "LIVE"]

SERVICES = ("line", "stt", "llm", "tts")
KEYS = {"stt": "ASSEMBLYAI_API_KEY", "llm": "OPENAI_API_KEY", "tts": "DEEPGRAM_API_KEY"}
LINES = ("sim", "telnyx", "livekit")
FRAMEWORKS = ("pipecat", "livekit")
LIVE_LINES = ("telnyx", "livekit")

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
}
_VOICES: Mapping[VoiceService, tuple[str, str]] = {
    "deepgram": ("DEEPGRAM_BASE_URL", "DEEPGRAM_API_KEY"),
    "rime": ("RIME_BASE_URL", "RIME_API_KEY"),
}
_FRUGAL = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "100000"}
_SIMULATOR = ("SIDETONE_RECOGNISER", "SIDETONE_RECOGNISER_MODEL", "SIDETONE_STT_SESSIONS")


class PlanError(Exception):
    """What was asked for makes no sense; one sentence."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``services`` maps line, stt, llm and tts to SIM or LIVE; ``settings`` is .env below the environment.

    ``line`` is what carries the calls that are dialled; with ``rooms`` the agent takes calls in LiveKit rooms too.
    ``framework`` is what the agent is to run on, or empty for its own choice. ``voice`` is whose the agent's is.
    """

    services: Mapping[str, Mode]
    settings: Mapping[str, str] = field(repr=False)
    line: str = "sim"
    rooms: bool = False
    framework: str = ""
    voice: VoiceService = "deepgram"

    @property
    def needs_simulator(self) -> bool:
        return "SIM" in self.services.values()

    @property
    def agent_port(self) -> int | None:
        """0 for any; Telnyx's line gets the agent's own choice (None), since a public address points at it."""
        fixed = self.settings.get("SIDETONE_AGENT_PORT") or self.line == "telnyx"
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
                names = _VOICES[self.voice] if service == "tts" else _NAMES[service]
                chosen.update({name: simulator.get(name, "") for name in names})
        if self.services["line"] == "SIM":
            chosen["TELNYX_CONNECTION_ID"] = SIM_CONNECTION
            chosen["TELNYX_PHONE_NUMBER"] = SIM_NUMBER
            chosen["SIDETONE_PUBLIC_URL"] = ""
            if not self.settings.get("SIDETONE_ALLOWED_PREFIXES"):
                chosen["SIDETONE_ALLOWED_PREFIXES"] = "*"
        if self.framework:
            chosen["SIDETONE_FRAMEWORK"] = self.framework
        if self.rooms:
            chosen["SIDETONE_ROOMS"] = "on"
        elif self.settings.get("SIDETONE_ROOMS"):
            # No call is live that was not asked for here.
            chosen["SIDETONE_ROOMS"] = "off"
        missing = [name for name, value in chosen.items() if not value and name != "SIDETONE_PUBLIC_URL"]
        if missing:
            raise PlanError(f"The simulator says nothing of {missing[0]}: run `sidetone stop` and try again.")
        return chosen


def decide(
    settings: Mapping[str, str],
    line: str = "sim",
    simulated: Collection[str] = (),
    *,
    rooms: bool = False,
    framework: str = "",
) -> Plan:
    """The plan for ``line`` (sim, telnyx or livekit), with the services in ``simulated`` stood in whatever keys
    there are. ``rooms`` makes sim livekit, and has an agent on telnyx's line take calls in rooms as well.
    ``framework`` is pipecat, livekit, or empty for the agent's own choice; rooms need livekit.

    Raises:
        PlanError: there is no such line, service or framework, or rooms were asked for with another one.
    """
    if line not in LINES:
        raise PlanError(f"There is no line {line!r}: choose one of {', '.join(LINES)}.")
    unknown = sorted(set(simulated) - set(KEYS))
    if unknown:
        raise PlanError(f"{unknown[0]!r} cannot be simulated: choose from {', '.join(KEYS)}.")
    if framework not in ("", *FRAMEWORKS):
        raise PlanError(f"There is no framework {framework!r}: choose one of {', '.join(FRAMEWORKS)}.")
    rooms = rooms or line == "livekit"
    if rooms and framework == "pipecat":
        raise PlanError("Pipecat takes no calls in rooms: choose --framework livekit.")
    framework = "livekit" if rooms else framework
    line = "livekit" if rooms and line == "sim" else line
    services: dict[str, Mode] = {"line": "LIVE" if line in LIVE_LINES else "SIM"}
    voice = voice_service(settings)
    for service, key in keys(voice).items():
        services[service] = "LIVE" if settings.get(key, "").strip() and service not in simulated else "SIM"
    return Plan(services, settings, line, rooms, framework, voice)


def keys(voice: VoiceService) -> dict[str, str]:
    """The setting that makes each service live, with that voice."""
    return {**KEYS, "tts": _VOICES[voice][1]}


def read_settings(folder: Path | None = None) -> dict[str, str]:
    """The environment of this process over the ``.env`` of the working folder."""
    from dotenv import dotenv_values

    file = (folder or Path.cwd()) / ".env"
    values = {name: value for name, value in dotenv_values(file).items() if value is not None}
    return {**values, **os.environ}


def dialled_line(line: str) -> Literal["", "telnyx", "livekit"]:
    """What a dial on ``line`` asks the agent for, which knows by itself what its simulated one is."""
    return "telnyx" if line == "telnyx" else "livekit" if line == "livekit" else ""
