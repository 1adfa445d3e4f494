"""An agent definition: who answers the phone, in one TOML file that any framework can run.

The shipped one is ``agent/definitions/front_desk.toml``; SIDETONE_AGENT names another file. Texts may contain
``$direction``, ``$from``, ``$to``, ``$today`` and any custom parameter of the call; ``[parameters]`` gives each
parameter its value for calls that bring none.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from pathlib import Path
from string import Template
from typing import Any, Literal

import msgspec

from agent import tuning

SHIPPED = Path(__file__).parent / "definitions" / "front_desk.toml"
_BUILT_IN = frozenset({"direction", "from", "to", "today"})
_SPEEDS = {"deepgram": (0.7, 1.5), "rime": (0.5, 2.0)}
_RIME_MODEL = re.compile(r"(coda|arcana|mist)[a-z0-9.-]{0,20}")


class DefinitionError(Exception):
    """The definition file is missing or wrong; the text names the file, the place and what to do."""


class Greeting(msgspec.Struct, forbid_unknown_fields=True):
    """The first words, by direction of the call."""

    inbound: str
    outbound: str


class Llm(msgspec.Struct, forbid_unknown_fields=True):
    """The model, and how long to wait for it to begin or to go on, in seconds."""

    model: str = "gpt-4.1-mini"
    timeout_s: float = 8.0


class Voice(msgspec.Struct, forbid_unknown_fields=True):
    """Whose voice speaks and which; empty names take the service's own for English.

    ``service``: deepgram (Aura) or rime. ``model`` is Rime's; a voice of Deepgram's says its own. ``speed``: 0.7
    to 1.5 for Deepgram, where the voice supports it, and 0.5 to 2 for Rime; more is faster.
    """

    service: Literal["deepgram", "rime"] = "deepgram"
    name: str = ""
    model: str = ""
    speed: float | None = None

    @property
    def speaker(self) -> str:
        """The name asked of the service, never empty."""
        if self.name:
            return self.name
        if self.service == "deepgram":
            return "aura-2-thalia-en"
        return "cove" if self.rime_model.startswith("mist") else "astra"

    @property
    def rime_model(self) -> str:
        """Rime's model, never empty: without one Rime would take Mist v3, which lacks most of Coda's voices."""
        return self.model or "coda"

    @property
    def rime_speed_alpha(self) -> float | None:
        """``speed`` as Rime's ``speedAlpha``; to Mist before v3 less is faster (docs.rime.ai/docs/speed)."""
        if self.speed is None:
            return None
        return round(1 / self.speed, 3) if self.rime_model in ("mist", "mistv2") else self.speed


class Listening(msgspec.Struct, forbid_unknown_fields=True):
    """AssemblyAI's model and what helps it to understand.

    ``keyterms``: up to 100 words or phrases, of 50 characters at most, that it should expect.
    ``language_codes``: up to 10 languages, such as ``["en", "es"]``; the first counts most.
    ``prompt``: what the calls are about, in up to 1750 characters.
    ``session``: other parameters of AssemblyAI's v3 session under their own names, such as ``voice_focus``.
    """

    model: str = "universal-3-6-pro"
    keyterms: list[str] = []
    language_codes: list[str] = []
    prompt: str = ""
    session: dict[str, Any] = {}


class AssemblyAiTurns(msgspec.Struct, forbid_unknown_fields=True):
    """How AssemblyAI ends turns. Silences in milliseconds; what is left out is the mode's own.

    ``min_turn_silence``: after this pause a sentence that looks finished ends the turn.
    ``max_turn_silence``: after this pause any turn ends.
    ``end_of_turn_confidence_threshold``: how sure it must be to end a turn, 0 to 1; Universal-Streaming alone.
    ``vad_threshold``: how speech-like a sound must be, 0 to 1; higher ignores more noise.
    ``interruption_delay``: so long after speech begins, plus 256, the first words are told, 0 to 1000.
    ``continuous_partials``: tell unfinished words every second, not every three.
    """

    mode: Literal["min_latency", "balanced", "max_accuracy"] = "balanced"
    min_turn_silence: int | None = None
    max_turn_silence: int | None = None
    end_of_turn_confidence_threshold: float | None = None
    vad_threshold: float | None = None
    interruption_delay: int | None = None
    continuous_partials: bool | None = None


class VadTurns(msgspec.Struct, forbid_unknown_fields=True):
    """How Silero VAD ends turns. ``start_s`` of speech begin one; ``stop_s`` of silence make the VAD say that
    speech stopped; ``wait_s`` more without speech end the turn. LiveKit has no measure for ``min_volume``."""

    confidence: float = 0.7
    start_s: float = 0.2
    stop_s: float = 0.2
    min_volume: float = 0.6
    wait_s: float = 0.6


class TurnSettings(msgspec.Struct, forbid_unknown_fields=True):
    """``ended_by`` chooses which of the two tables ends the turns. With ``vad``, AssemblyAI's mode, silences and
    threshold are not asked for; the rest of its table is."""

    ended_by: Literal["assemblyai", "vad"] = "assemblyai"
    assemblyai: AssemblyAiTurns = msgspec.field(default_factory=AssemblyAiTurns)
    vad: VadTurns = msgspec.field(default_factory=VadTurns)


class ToolDefinition(msgspec.Struct, forbid_unknown_fields=True):
    """A tool the LLM may call. ``function`` is ``module:name`` of an ``async def`` that takes the parameters and
    returns an :class:`agent.tools.Result`; ``parameters`` are JSON Schema properties."""

    name: str
    description: str
    function: str
    parameters: dict[str, dict[str, Any]] = {}
    required: list[str] = []
    timeout_s: float = 10.0


class Definition(msgspec.Struct, forbid_unknown_fields=True):
    """See the module and ``front_desk.toml``.

    ``trouble`` is what the agent says before it has to hang up. ``returning`` is what it says when it takes a call
    back by itself, because the operator who had silenced it is gone.
    """

    name: str
    instructions: str
    greeting: Greeting
    trouble: str
    returning: str = "I am back with you. Where were we?"
    parameters: dict[str, str] = {}
    llm: Llm = msgspec.field(default_factory=Llm)
    voice: Voice = msgspec.field(default_factory=Voice)
    listening: Listening = msgspec.field(default_factory=Listening)
    turn: TurnSettings = msgspec.field(default_factory=TurnSettings)
    tools: list[ToolDefinition] = []

    def stt_parameters(self) -> dict[str, Any]:
        """What is asked of AssemblyAI's session, under the names of its parameters."""
        listening = self.listening
        asked: dict[str, Any] = {
            "speech_model": listening.model,
            "keyterms_prompt": listening.keyterms or None,
            "language_codes": listening.language_codes or None,
            "prompt": listening.prompt or None,
            **_given(self.turn.assemblyai),
            **listening.session,
        }
        unused = tuning.ENDS_TURNS if self.turn.ended_by == "vad" else ()
        return {name: value for name, value in asked.items() if value is not None and name not in unused}

    def texts(self, *, direction: str, from_: str, to: str, parameters: dict[str, str]) -> tuple[str, str]:
        """The instructions and the greeting of one call."""
        known = {
            **self.parameters,
            **parameters,
            "direction": direction,
            "from": from_,
            "to": to,
            "today": datetime.date.today().strftime("%A %Y-%m-%d"),
        }
        greeting = self.greeting.inbound if direction == "inbound" else self.greeting.outbound
        facts = [f"This is an {direction} call from $from to $to. Today is $today."]
        facts += [f"{name}: ${{{name}}}" for name in parameters if name not in _BUILT_IN and name.isidentifier()]
        instructions = Template(self.instructions.strip() + "\n\n" + "\n".join(facts)).safe_substitute(known)
        return instructions, Template(greeting).safe_substitute(known).strip()


def load(path: Path) -> Definition:
    """Read and check a definition.

    Raises:
        DefinitionError: it cannot be read, is not TOML, or has a wrong, missing or unknown field.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise DefinitionError(f"The agent definition {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DefinitionError(f"The agent definition {path} is not TOML: {error}.") from error


def parse(text: str, path: Path) -> Definition:
    """Check a definition's text; ``path`` is what errors name.

    Raises:
        DefinitionError: as :func:`load`.
    """
    try:
        definition = msgspec.convert(tomllib.loads(text), Definition)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"The agent definition {path} is not TOML: {error}.") from error
    except msgspec.ValidationError as error:
        raise DefinitionError(f"The agent definition {path} is wrong: {error}.") from error
    _check(path, definition)
    return definition


def _check_voice(path: Path, voice: Voice) -> None:
    if voice.service == "deepgram" and voice.model:
        raise DefinitionError(
            f"{path}: model under [voice] is for Rime: leave it out, and give a Deepgram voice as name, such as "
            f"{voice.speaker}."
        )
    if voice.service == "rime" and not _RIME_MODEL.fullmatch(voice.rime_model):
        raise DefinitionError(
            f"{path}: Rime has no model {voice.model!r} and would speak with Mist v3 instead: set model under "
            "[voice] to coda, mistv3 or mistv2."
        )
    low, high = _SPEEDS[voice.service]
    if voice.speed is not None and not low <= voice.speed <= high:
        raise DefinitionError(f"{path}: speed {voice.speed:g} under [voice] is not from {low:g} to {high:g}.")


def _check(path: Path, definition: Definition) -> None:
    _check_voice(path, definition.voice)
    if not definition.returning.strip():
        raise DefinitionError(f"{path}: returning is empty: the caller must hear that the agent is back.")
    texts = (definition.instructions, definition.greeting.inbound, definition.greeting.outbound)
    for text in texts:
        template = Template(text)
        if not template.is_valid():
            raise DefinitionError(f"{path}: a lone $ in {text[:40]!r}: write $$ for a dollar sign.")
        for name in template.get_identifiers():
            if name not in _BUILT_IN and name not in definition.parameters:
                raise DefinitionError(f"{path}: ${name} has no default: add {name} to [parameters].")
    for name in definition.listening.session:
        where = tuning.place(name)
        if where != ("listening", "session", name):
            rather = f"it belongs into [{'.'.join(where[:-1])}] as {where[-1]}" if where else "leave it out"
            raise DefinitionError(f"{path}: {name} cannot be set in [listening.session]: {rather}.")
    turns = definition.turn.assemblyai
    try:
        for name, value in (definition.stt_parameters() | _given(turns)).items():
            tuning.check_value(name, value)
    except tuning.TuningError as error:
        raise DefinitionError(f"{path}: {error}") from error
    model = definition.listening.model
    if definition.turn.ended_by == "assemblyai" and tuning.family(model) == "streaming":
        raise DefinitionError(
            f"{path}: {model} does not tell when speech starts, so AssemblyAI cannot end its turns here: "
            'set ended_by = "vad" under [turn], or choose a Universal-3 model.'
        )
    low, high = turns.min_turn_silence, turns.max_turn_silence
    if low is not None and high is not None and low > high:
        raise DefinitionError(f"{path}: min_turn_silence {low} is above max_turn_silence {high}.")


def _given(turns: AssemblyAiTurns) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(turns).items() if value is not None}
