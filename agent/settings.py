"""The agent's settings, from the environment and a ``.env`` file; ``.env.example`` explains each.

Simulated and live services differ in their addresses and keys alone, so this is the one place where they could
be told apart, and it only does so to say on the screen which is which: an address on this machine is SIM.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from agent import paths
from agent.definition import SHIPPED

Band = Literal["narrow", "hd"]
BANDS: tuple[Band, ...] = ("narrow", "hd")
ByteOrder = Literal["little", "big"]
Carrier = Literal["telnyx", "livekit"]
Framework = Literal["pipecat", "livekit"]
FRAMEWORKS: tuple[Framework, ...] = ("pipecat", "livekit")

LOOPBACK = ("127.0.0.1", "::1", "localhost")
DEFAULT_PORT = 8790


class SettingsError(Exception):
    """A setting is wrong; the text names it, its value and what it should be."""


@dataclass(frozen=True, slots=True)
class Service:
    """One outside service: where it is and its key. An empty key means that it cannot be used."""

    url: str
    key: str = field(repr=False)

    @property
    def label(self) -> str:
        return "SIM" if (urlsplit(self.url).hostname or "") in LOOPBACK else "LIVE"


@dataclass(frozen=True, slots=True)
class Rooms:
    """A LiveKit server, how this agent is known there, and when it takes no more.

    ``trunk`` is the id or the name of the outbound SIP trunk, empty for the only one that there is. ``most_load``
    is from 0 to 1. ``health_port`` is the worker's health page on 127.0.0.1, 0 for any free one.
    """

    url: str
    key: str
    secret: str = field(repr=False)
    agent_name: str
    trunk: str
    most_load: float
    health_port: int

    @property
    def missing(self) -> list[str]:
        """What keeps the agent from taking calls in rooms, one sentence each."""
        needs = {"LIVEKIT_URL": self.url, "LIVEKIT_API_KEY": self.key, "LIVEKIT_API_SECRET": self.secret}
        return _unset(needs)


@dataclass(frozen=True, slots=True)
class Settings:
    """See ``.env.example``; times in seconds. ``definition_copy`` is where tuned values of the shipped definition
    are saved, None when SIDETONE_AGENT names one. ``record``: calls are recorded without being asked. ``rooms`` is
    None where the agent takes no calls in LiveKit rooms."""

    telnyx: Service
    assemblyai: Service
    openai: Service
    deepgram: Service
    rime: Service
    framework: Framework
    rooms: Rooms | None
    telnyx_public_key: str
    connection_id: str
    phone_number: str
    public_url: str
    band: Band
    codec: Literal["PCMU", "PCMA"]
    l16_byte_order: ByteOrder
    port: int
    token: str = field(repr=False)
    texml_token: str = field(repr=False)
    definition: Path
    definition_copy: Path | None
    allowed_prefixes: tuple[str, ...]
    max_calls: int
    max_calls_per_hour: int
    ring_s: int
    time_limit_s: int
    journal_days: float
    journal_mb: float
    record: bool
    record_days: float
    take_back_s: float

    def services(self, voice: str) -> dict[str, str]:
        """Whether each is SIM or LIVE; a room is LIVE wherever its server is: its trunk may reach telephones."""
        return {
            "line": "LIVE" if self.rooms is not None else self.telnyx.label,
            "stt": self.assemblyai.label,
            "llm": self.openai.label,
            "tts": (self.rime if voice == "rime" else self.deepgram).label,
        }

    @property
    def secrets(self) -> list[str]:
        services = (self.telnyx, self.assemblyai, self.openai, self.deepgram, self.rime)
        keys = [service.key for service in services]
        rooms = [self.rooms.key, self.rooms.secret] if self.rooms is not None else []
        return [secret for secret in (*keys, *rooms, self.token, self.texml_token) if secret != "simulated"]

    @property
    def line(self) -> Carrier:
        """What carries calls where nothing else is asked for."""
        return "livekit" if self.rooms is not None else "telnyx"

    def problems(self, voice: str, line: Carrier | Literal[""] = "") -> list[str]:
        """What keeps a call on that line, with that voice service, from working, one sentence each."""
        needs = {"ASSEMBLYAI_API_KEY": self.assemblyai.key, "OPENAI_API_KEY": self.openai.key}
        needs |= {"RIME_API_KEY": self.rime.key} if voice == "rime" else {"DEEPGRAM_API_KEY": self.deepgram.key}
        if (line or self.line) == "livekit":
            found = ["The agent takes no calls in rooms: start it with --rooms."] if self.rooms is None else []
            return found + (self.rooms.missing if self.rooms is not None else []) + _unset(needs)
        telnyx = {
            "TELNYX_API_KEY": self.telnyx.key,
            "TELNYX_PUBLIC_KEY": self.telnyx_public_key,
            "TELNYX_CONNECTION_ID": self.connection_id,
            "TELNYX_PHONE_NUMBER": self.phone_number,
        }
        found = _unset(telnyx | needs)
        if self.telnyx.label == "LIVE" and not self.public_url:
            found.append("SIDETONE_PUBLIC_URL is not set: Telnyx needs an https address that reaches this agent.")
        return found


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: a value is not what it should be.
    """
    env = os.environ if environment is None else environment

    def text(name: str, default: str = "") -> str:
        return env.get(name, "").strip() or default

    def number(name: str, default: float, low: float, high: float) -> float:
        value = text(name)
        try:
            found = float(value) if value else default
        except ValueError:
            found = high + 1
        if not low <= found <= high:
            raise SettingsError(f"{name}={value} is not a number from {low:g} to {high:g}.")
        return found

    def address(name: str, default: str, schemes: tuple[str, str]) -> str:
        value = text(name, default).rstrip("/")
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname:
            raise SettingsError(
                f"{name}={value} is not an address that begins with {schemes[0]}:// or {schemes[1]}://."
            )
        return value

    named, copy = text("SIDETONE_AGENT"), paths.saved_definition()
    public_url = text("SIDETONE_PUBLIC_URL")
    band = text("SIDETONE_BAND", "narrow").lower()
    if band not in BANDS:
        raise SettingsError(f"SIDETONE_BAND={band} is not narrow or hd.")
    order = text("SIDETONE_L16_BYTE_ORDER", "little").lower()
    if order not in ("little", "big"):
        raise SettingsError(f"SIDETONE_L16_BYTE_ORDER={order} is not little or big.")
    codec = text("SIDETONE_CODEC", "PCMU").upper()
    if codec not in ("PCMU", "PCMA"):
        raise SettingsError(f"SIDETONE_CODEC={codec} is not PCMU or PCMA.")
    record = text("SIDETONE_RECORD", "auto").lower()
    if record not in ("auto", "on", "off"):
        raise SettingsError(f"SIDETONE_RECORD={record} is not auto, on or off.")
    framework = text("SIDETONE_FRAMEWORK", "pipecat").lower()
    if framework not in FRAMEWORKS:
        raise SettingsError(f"SIDETONE_FRAMEWORK={framework} is not {' or '.join(FRAMEWORKS)}.")
    wanted = text("SIDETONE_ROOMS", "off").lower()
    if wanted not in ("on", "off"):
        raise SettingsError(f"SIDETONE_ROOMS={wanted} is not on or off.")
    rooms = None
    if wanted == "on":
        rooms = Rooms(
            url=address("LIVEKIT_URL", "", ("wss", "ws")) if text("LIVEKIT_URL") else "",
            key=text("LIVEKIT_API_KEY"),
            secret=text("LIVEKIT_API_SECRET"),
            agent_name=text("SIDETONE_AGENT_NAME", "sidetone"),
            trunk=text("SIDETONE_OUTBOUND_TRUNK"),
            most_load=number("SIDETONE_MAX_LOAD", 0.9, 0.05, 1),
            health_port=int(number("SIDETONE_WORKER_PORT", 0, 0, 65535)),
        )
    if rooms is not None and framework != "livekit":
        raise SettingsError("SIDETONE_ROOMS needs SIDETONE_FRAMEWORK=livekit: Pipecat takes no calls in rooms.")
    telnyx = Service(
        address("TELNYX_BASE_URL", "https://api.telnyx.com/v2", ("https", "http")), text("TELNYX_API_KEY")
    )
    return Settings(
        telnyx=telnyx,
        assemblyai=Service(
            address("ASSEMBLYAI_BASE_URL", "wss://streaming.assemblyai.com", ("wss", "ws")),
            text("ASSEMBLYAI_API_KEY"),
        ),
        openai=Service(
            address("OPENAI_BASE_URL", "https://api.openai.com/v1", ("https", "http")), text("OPENAI_API_KEY")
        ),
        deepgram=Service(
            address("DEEPGRAM_BASE_URL", "wss://api.deepgram.com", ("wss", "ws")), text("DEEPGRAM_API_KEY")
        ),
        rime=Service(address("RIME_BASE_URL", "wss://users-ws.rime.ai", ("wss", "ws")), text("RIME_API_KEY")),
        framework=framework,
        rooms=rooms,
        telnyx_public_key=text("TELNYX_PUBLIC_KEY"),
        connection_id=text("TELNYX_CONNECTION_ID"),
        phone_number=text("TELNYX_PHONE_NUMBER"),
        public_url=address("SIDETONE_PUBLIC_URL", "", ("https", "http")) if public_url else "",
        band=band,
        codec=codec,
        l16_byte_order=order,
        port=int(number("SIDETONE_AGENT_PORT", DEFAULT_PORT, 0, 65535)),
        token=text("SIDETONE_TOKEN") or secrets.token_urlsafe(32),
        texml_token=text("SIDETONE_TEXML_TOKEN"),
        definition=Path(named) if named else copy if copy.exists() else SHIPPED,
        definition_copy=None if named else copy,
        allowed_prefixes=tuple(text("SIDETONE_ALLOWED_PREFIXES", "+1").replace(",", " ").split()),
        max_calls=int(number("SIDETONE_MAX_CALLS", 20, 1, 1000)),
        max_calls_per_hour=int(number("SIDETONE_MAX_CALLS_PER_HOUR", 200, 1, 100_000)),
        ring_s=int(number("SIDETONE_RING_SECONDS", 30, 5, 600)),
        time_limit_s=int(number("SIDETONE_TIME_LIMIT_SECONDS", 900, 30, 14_400)),
        journal_days=number("SIDETONE_JOURNAL_DAYS", 30, 0.01, 3650),
        journal_mb=number("SIDETONE_JOURNAL_MB", 512, 1, 1_000_000),
        record=record == "on" or (record == "auto" and telnyx.label == "SIM" and rooms is None),
        record_days=number("SIDETONE_RECORD_DAYS", 30, 0.01, 3650),
        take_back_s=number("SIDETONE_TAKE_BACK_SECONDS", 10, 1, 600),
    )


def _unset(needs: Mapping[str, str]) -> list[str]:
    return [f"{name} is not set: put it into .env." for name, value in needs.items() if not value]
