"""What a simulated caller says and when. Pure.

The words are those of Pipecat's evals (`pipecat.evals`: `turns`, `user`, `dtmf`, `send_after`, `event` and
`delay_ms`) where the meaning is the same; the rest is what the telephone adds.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from simulator.speech.synthesiser import CALLER_VOICE

MAX_TURNS: Final = 100
MAX_LINE_CHARACTERS: Final = 1000

_DTMF: Final = re.compile(r"[0-9A-D*#]{1,32}")
_VOICE: Final = re.compile(r"[A-Za-z0-9_/+-]{1,40}")

AgentEvent = Literal["bot_started_speaking", "bot_stopped_speaking"]


class SendAfter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When to send a turn: `delay_ms` after the agent's event, or after the caller's previous turn without one."""

    event: AgentEvent | None = None
    delay_ms: int = 0


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line (`user`), or keys pressed (`dtmf`).

    Without `send_after` it is sent when the agent has finished speaking. `pause_ms` is waited in addition.
    """

    user: str | None = None
    dtmf: str | None = None
    send_after: SendAfter | None = None
    pause_ms: int = 0


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole call of the simulated caller. All times in milliseconds unless the name says otherwise.

    `patience_ms`: silence after which the agent counts as finished.
    `answer_timeout_ms`: how long a line waits for its answer before the caller goes on.
    `answer_after_ms`: how long the phone rings before the caller answers; None leaves it to the simulator.
    `wait_for_greeting`: whether the agent speaks first.
    `hang_up`: whether the caller hangs up after the last answer, or waits for the agent to do it.
    `codec`: what the telephone's leg negotiates; G722, OPUS and L16 make it a wideband one. None leaves it to the
    call: G722 where the application dials for wideband audio, else PCMU.
    """

    turns: tuple[Turn, ...] = ()
    voice: str = CALLER_VOICE
    patience_ms: int = 900
    answer_timeout_ms: int = 12_000
    answer_after_ms: int | None = None
    wait_for_greeting: bool = True
    hang_up: bool = True
    max_seconds: int = 180
    codec: Literal["PCMU", "PCMA", "G722", "OPUS", "L16"] | None = None


class ScriptError(Exception):
    """The script makes no sense; the text says where and why, in one sentence."""


def parse_script(value: Any) -> Script:
    """A script from decoded JSON. Raises ScriptError."""
    try:
        script = msgspec.convert(value, Script)
    except msgspec.ValidationError as error:
        raise ScriptError(f"The script is not valid: {error}.") from None
    if len(script.turns) > MAX_TURNS:
        raise ScriptError(f"A script has at most {MAX_TURNS} turns.")
    for number, turn in enumerate(script.turns, 1):
        _check_turn(number, turn)
    if not _VOICE.fullmatch(script.voice):
        raise ScriptError(f"voice must name an espeak-ng voice such as {CALLER_VOICE}, not {script.voice[:40]!r}.")
    _check_range("patience_ms", script.patience_ms, 100, 60_000)
    _check_range("answer_timeout_ms", script.answer_timeout_ms, 500, 120_000)
    _check_range("answer_after_ms", script.answer_after_ms or 0, 0, 600_000)
    _check_range("max_seconds", script.max_seconds, 1, 14_400)
    return script


def _check_turn(number: int, turn: Turn) -> None:
    if (turn.user is None) == (turn.dtmf is None):
        raise ScriptError(f"Turn {number} needs either user or dtmf.")
    if turn.user is not None and not turn.user.strip():
        raise ScriptError(f"Turn {number} has nothing to say: give user some words.")
    if turn.user is not None and len(turn.user) > MAX_LINE_CHARACTERS:
        raise ScriptError(f"Turn {number} is longer than {MAX_LINE_CHARACTERS:,} characters.")
    if turn.dtmf is not None and not _DTMF.fullmatch(turn.dtmf):
        raise ScriptError(f"Turn {number}: dtmf takes 1 to 32 of the keys 0-9, A-D, * and #.")
    _check_range(f"Turn {number}: pause_ms", turn.pause_ms, 0, 600_000)
    if turn.send_after is not None:
        _check_range(f"Turn {number}: delay_ms", turn.send_after.delay_ms, 0, 600_000)


def _check_range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ScriptError(f"{name} must be between {least} and {most}, not {value}.")
