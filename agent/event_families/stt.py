"""Speech recognition: ``stt.*``, AssemblyAI's own messages among them."""

from __future__ import annotations

from typing import Any

import msgspec

from agent.event_families.envelope import Event


class SttOpened(Event, tag="stt.opened"):
    """The tap connected upstream. ``parameters`` is the query the framework asked for, without any key."""

    session: int
    parameters: dict[str, str]


class SttBegin(Event, tag="stt.begin"):
    """AssemblyAI's Begin, untouched: its session is open and names its model and mode."""

    session: int
    message: dict[str, Any]


class SttSpeechStarted(Event, tag="stt.speech_started"):
    """AssemblyAI's SpeechStarted, untouched; its timestamp is milliseconds of audio time."""

    session: int
    message: dict[str, Any]


class SttTurn(Event, tag="stt.turn"):
    """AssemblyAI's Turn, untouched: partial or final. A later one with the same ``session`` and
    ``turn_order`` replaces it. Word times are milliseconds of audio time; ``audio_ms`` is how much audio had
    been sent to this session when it came."""

    session: int
    message: dict[str, Any]
    audio_ms: int = 0


class SttIgnored(Event, tag="stt.ignored"):
    """Parameters that change nothing in this session, by name, each with the reason: AssemblyAI ignores unknown
    ones without a word, and its stand-in names those that it does not play."""

    session: int
    parameters: dict[str, str]


class SttTuned(Event, tag="stt.tuned"):
    """The live session was retuned: ``fields`` went out as UpdateConfiguration, or, with ``end_turn``, a
    ForceEndpoint. ``ignored`` names fields that the model's family does not honour, with the reason. ``who`` is
    the client, or agent when a new connection was given the values of the one before."""

    session: int
    who: str
    fields: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    end_turn: bool = False
    ignored: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class SttSplit(Event, tag="stt.split"):
    """The connection broke in the middle of a turn. ``text`` is what had been understood of it; ``replayed_ms``
    is how much of its audio the new connection was given again, 0 where the rest is all that will be heard."""

    session: int
    text: str
    replayed_ms: int = 0


class SttSent(Event, tag="stt.sent"):
    """A text message from us to AssemblyAI, untouched: UpdateConfiguration, ForceEndpoint, Terminate…"""

    session: int
    message: dict[str, Any]


class SttOther(Event, tag="stt.other"):
    """Any other text message of AssemblyAI's (Warning, Heartbeat…), or text that is not a JSON object."""

    session: int
    message: dict[str, Any]


class SttTermination(Event, tag="stt.termination"):
    """AssemblyAI's Termination, untouched: the session ended as asked."""

    session: int
    message: dict[str, Any]


class SttError(Event, tag="stt.error"):
    """Speech recognition failed: AssemblyAI's Error frame, a refused connection, or a close without a word.

    ``code`` is AssemblyAI's error_code, the HTTP status of a refused upgrade, or the close code. ``final``
    says that no further try will be made, so the agent is deaf from here on.
    """

    session: int
    code: int
    text: str
    final: bool


class SttClosed(Event, tag="stt.closed"):
    """The connection to AssemblyAI is closed. ``by`` is service or agent."""

    session: int
    code: int
    reason: str
    by: str
