"""Every call command by the name its path has. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.requests.answer_commands import ANSWER_COMMANDS, Answer, HangUp, Reject
from simulator.telnyx.requests.assistants import ASSISTANT_COMMANDS
from simulator.telnyx.requests.audio_commands import AUDIO_COMMANDS, Play, SendDtmf, Speak, StopPlayback
from simulator.telnyx.requests.common import Command, CommandSpec
from simulator.telnyx.requests.gather_commands import GATHER_COMMANDS, Gather, StopGather
from simulator.telnyx.requests.other_commands import OTHER_COMMANDS, OtherOrder
from simulator.telnyx.requests.pay_commands import PAY_COMMANDS
from simulator.telnyx.requests.recording import RecordOrder
from simulator.telnyx.requests.recording_commands import (
    RECORDING_COMMANDS,
    PauseRecording,
    ResumeRecording,
    StopRecording,
)
from simulator.telnyx.requests.relay import RELAY_COMMANDS
from simulator.telnyx.requests.streaming_commands import STREAMING_COMMANDS, StopStream
from simulator.telnyx.requests.transcription import (
    TRANSCRIPTION_COMMANDS,
    StartTranscription,
    StopTranscription,
)
from simulator.telnyx.requests.transfer_commands import (
    TRANSFER_COMMANDS,
    Bridge,
    Refer,
    SwitchSupervisorRole,
    Transfer,
)

Order = (
    Answer
    | Reject
    | HangUp
    | Speak
    | Play
    | StopPlayback
    | SendDtmf
    | Gather
    | StopGather
    | RecordOrder
    | StopRecording
    | PauseRecording
    | ResumeRecording
    | StreamOptions
    | StopStream
    | StartTranscription
    | StopTranscription
    | Transfer
    | Bridge
    | Refer
    | SwitchSupervisorRole
    | OtherOrder
)
"""What a command makes the simulator do."""

COMMANDS: Final[dict[str, CommandSpec[Order]]] = {
    **ANSWER_COMMANDS,
    **AUDIO_COMMANDS,
    **GATHER_COMMANDS,
    **RECORDING_COMMANDS,
    **STREAMING_COMMANDS,
    **TRANSCRIPTION_COMMANDS,
    **TRANSFER_COMMANDS,
    **OTHER_COMMANDS,
    **ASSISTANT_COMMANDS,
    **RELAY_COMMANDS,
    **PAY_COMMANDS,
}

_CALL_CONTROL_ID: Final = re.compile(r"v[23]:[A-Za-z0-9_-]{20,80}")


def parse_action(name: str, body: Mapping[str, Any]) -> Command[Order]:
    """The checked command of `POST /v2/calls/{call_control_id}/actions/{name}`. Raises TelnyxError."""
    spec = COMMANDS.get(name)
    if spec is None:
        detail = f"Telnyx has no call command {name[:100]!r}; see the Call Commands of its API reference."
        raise TelnyxError(Code.NOT_FOUND, detail)
    return spec.parse(name, body)


def check_call_control_id(call_control_id: str) -> None:
    if not _CALL_CONTROL_ID.fullmatch(call_control_id):
        detail = "The call_control_id provided was not valid; take it from the dial response or a webhook."
        raise TelnyxError(Code.INVALID_CALL_CONTROL_ID, detail, "/call_control_id")
