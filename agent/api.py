"""What the agent's HTTP API and event stream say and expect; the console and programs use these types.

``POST /calls`` takes a :class:`DialRequest` and answers a :class:`DialAnswer`; below ``/calls/{call}``,
``/hangup``, ``/stt``, ``/stt/save``, ``/operator``, ``/recording`` and ``/room`` are described with their
requests, and ``WS /calls/{call}/audio`` in :mod:`agent.audio_wire`. ``GET /calls/{call}/recording`` is a stereo
WAV, the caller on the left. ``GET /calls`` answers a list of :class:`agent.call_state.CallState`. ``GET /health``
answers :class:`Health`. Every failure is an :class:`ErrorBody` with a fitting HTTP status.

``WS /events`` first sends a :class:`Snapshot`, then events. ``/events?from=SEQ`` sends :class:`Resumed` and all
events after SEQ instead, or a snapshot when that is too long ago. Each message is a text of one or more lines,
each line one JSON object; events that happen within 30 ms may share a message. A reader that falls behind gets a
new snapshot with ``reason`` fell_behind; nothing ever waits for it. ``/events?who=NAME`` tells the agent that this
operator is there: what they muted or took over is reversed when they have been gone for a set time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from agent import events
from agent.call_state import CallState
from agent.events import Event

StepIn = Literal["say", "whisper", "mute", "unmute", "take_over", "hand_back"]
RecordingAction = Literal["start", "pause", "resume"]


class DialRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Dial ``to`` (E.164). ``from`` defaults to the agent's number; ``parameters`` reach the prompt.

    ``who`` names the client for the journal. ``band`` is the line's: narrow, hd, or empty for the agent's own.
    ``line`` is what carries the call: telnyx for its media WebSocket, livekit for a room and a SIP trunk, or empty
    for the agent's own.
    """

    to: str
    from_: str | None = msgspec.field(name="from", default=None)
    parameters: dict[str, str] = {}
    time_limit_s: int | None = None
    band: Literal["", "narrow", "hd"] = ""
    line: Literal["", "telnyx", "livekit"] = ""
    who: str = "api"


class DialAnswer(msgspec.Struct):
    """The new call's id; what becomes of the call is in the events."""

    call: str


class HangupRequest(msgspec.Struct, forbid_unknown_fields=True):
    who: str = "api"


class TuneRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /calls/{call}/stt``: send ``fields`` as UpdateConfiguration into the call's AssemblyAI session, or,
    with ``end_turn``, a ForceEndpoint."""

    fields: dict[str, Any] = {}
    end_turn: bool = False
    who: str = "api"


class TuneAnswer(msgspec.Struct):
    """What was sent, and which of it the model's family does not honour, with the reason."""

    sent: dict[str, Any]
    ignored: dict[str, str]


class SaveRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /calls/{call}/stt/save``: write the call's tuned values into the agent definition."""

    who: str = "api"


class SaveAnswer(msgspec.Struct):
    """The definition file that was written, and the values that are new in it, none when it had them already.
    ``left_out`` are tuned values that are of no use to later calls, with the reason."""

    path: str
    values: dict[str, Any]
    left_out: dict[str, str] = {}


class StepInRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /calls/{call}/operator``: do ``action`` to a live call; ``text`` is for say and whisper alone.

    ``say``: the agent's voice speaks the text now. ``whisper``: guidance that the caller does not hear. ``mute``:
    the agent falls silent, listens on and answers nothing until ``unmute``. ``take_over``: as muted, and the
    microphone of ``who`` goes to the caller until ``hand_back``, which anybody may ask for.
    """

    action: StepIn
    text: str = ""
    who: str = "api"


class RecordingRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /calls/{call}/recording``: pause the recording of a live call, let it go on, or begin one where none
    was begun."""

    action: RecordingAction
    who: str = "api"


class RoomPassRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /calls/{call}/room``: let ``who`` into the LiveKit room of a live call, to ``listen`` without being
    seen, or, for the one who has taken the call over, to ``speak`` in sight of everybody."""

    to: Literal["listen", "speak"]
    who: str = "api"


class RoomPass(msgspec.Struct):
    """A way into a call's room: connect to ``url`` with ``token``, within ``valid_s``, as ``identity``. The tracks
    to hear are those of ``caller``, of ``agent`` and of participants with the attribute ``sidetone.operator``."""

    url: str
    room: str
    token: str
    identity: str
    caller: str
    agent: str
    valid_s: int


class ErrorBody(msgspec.Struct):
    """One sentence that says what happened and what to do."""

    error: str


class Worker(msgspec.Struct):
    """The agent as a LiveKit worker; ``state`` as :class:`agent.events.WorkerState` told it last. ``port`` is that
    of its health page on 127.0.0.1."""

    state: str
    agent_name: str
    url: str
    worker_id: str = ""
    port: int = 0
    load: float = 0.0
    limit: float = 0.0
    jobs: int = 0
    refused: int = 0
    detail: str = ""


class Health(msgspec.Struct):
    """``services`` maps line, stt, llm and tts to SIM or LIVE. ``problems`` are sentences about settings that
    keep calls from working, such as a missing key; an empty list means that a call can be placed. ``worker`` is
    there when the agent takes calls in LiveKit rooms."""

    status: Literal["ok", "stopping"]
    version: str
    pid: int
    framework: str
    definition: str
    services: dict[str, str]
    calls: int
    seq: int
    uptime_ms: int
    rss_mb: int
    problems: list[str] = []
    worker: Worker | None = None


class AgentFile(msgspec.Struct):
    """``agent.json`` in the data folder (access for its owner alone): how to reach the running agent."""

    pid: int
    host: str
    port: int
    token: str
    version: str

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def write(self, path: Path) -> None:
        """Write it so that no reader ever sees half of it."""
        unfinished = path.with_suffix(f".{os.getpid()}")
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(self))
        unfinished.replace(path)

    @staticmethod
    def read(path: Path) -> AgentFile | None:
        """The file's content, or None when there is none or it is not one."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=AgentFile)
        except (OSError, msgspec.DecodeError):
            return None


class Snapshot(msgspec.Struct, tag="snapshot", tag_field="type"):
    """Everything a reader needs before the events after ``seq``: live calls and the last ended ones."""

    seq: int
    reason: Literal["attach", "too_old", "fell_behind"]
    health: Health
    calls: list[CallState]


class Resumed(msgspec.Struct, tag="resumed", tag_field="type"):
    """The events after ``from`` follow, without a gap."""

    from_: int = msgspec.field(name="from")
    seq: int = 0


Item = Snapshot | Resumed | Event


def decode_message(message: str) -> Iterator[tuple[Item, str]]:
    """What one message of ``/events`` holds, each with its JSON text.

    Raises:
        ValueError: it is no such message.
    """
    for text in message.split("\n"):
        if text.startswith(_SNAPSHOT):
            yield msgspec.json.decode(text, type=Snapshot), text
        elif text.startswith(_RESUMED):
            yield msgspec.json.decode(text, type=Resumed), text
        else:
            yield events.decode(text), text


_SNAPSHOT, _RESUMED = '{"type":"snapshot"', '{"type":"resumed"'
