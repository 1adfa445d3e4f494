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
class Settings:
    """See ``.env.example``; times in seconds. ``definition_copy`` is where tuned values of the shipped definition
    are saved, None when SIDETONE_AGENT names one. ``record``: calls are recorded without being asked."""

    telnyx: Service
    assemblyai: Service
    openai: Service
    deepgram: Service
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

    @property
    def services(self) -> dict[str, str]:
        return {
            "line": self.telnyx.label,
            "stt": self.assemblyai.label,
            "llm": self.openai.label,
            "tts": self.deepgram.label,
        }

    @property
    def secrets(self) -> list[str]:
        keys = [service.key for service in (self.telnyx, self.assemblyai, self.openai, self.deepgram)]
        return [secret for secret in (*keys, self.token, self.texml_token) if secret != "simulated"]

    def problems(self) -> list[str]:
        """What keeps a call from working, one sentence each."""
        needs = {
            "TELNYX_API_KEY": self.telnyx.key,
            "TELNYX_PUBLIC_KEY": self.telnyx_public_key,
            "TELNYX_CONNECTION_ID": self.connection_id,
            "TELNYX_PHONE_NUMBER": self.phone_number,
            "ASSEMBLYAI_API_KEY": self.assemblyai.key,
            "OPENAI_API_KEY": self.openai.key,
            "DEEPGRAM_API_KEY": self.deepgram.key,
        }
        found = [f"{name} is not set: put it into .env." for name, value in needs.items() if not value]
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
        record=record == "on" or (record == "auto" and telnyx.label == "SIM"),
        record_days=number("SIDETONE_RECORD_DAYS", 30, 0.01, 3650),
        take_back_s=number("SIDETONE_TAKE_BACK_SECONDS", 10, 1, 600),
    )
