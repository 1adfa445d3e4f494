"""The call itself: ``call.*``."""

from __future__ import annotations

from typing import Literal

import msgspec

from agent.event_families.envelope import Direction, Event


class CallInitiated(Event, tag="call.initiated"):
    """A call begins: we are about to dial, or the carrier asked for TeXML for an incoming call.

    ``from`` and ``to`` are E.164 numbers as the carrier or the operator gave them. ``line`` is what carries the
    call: telnyx for its media WebSocket, livekit for a room. ``parameters`` are the custom parameters that reach
    the prompt.
    """

    direction: Direction
    from_: str = msgspec.field(name="from")
    to: str
    framework: str = ""
    line: str = "telnyx"
    parameters: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class CallPlaced(Event, tag="call.placed"):
    """The carrier took the call and named it: the ids of its dial answer, or of its TeXML request."""

    call_control_id: str
    call_leg_id: str = ""
    call_session_id: str = ""
    took_ms: int = 0


class CallRinging(Event, tag="call.ringing"):
    """The carrier's call.initiated webhook arrived for a call that we dialled."""


class CallAnswered(Event, tag="call.answered"):
    """The other side picked up: Telnyx's call.answered webhook, or the first media of an incoming call."""


class CallDtmf(Event, tag="call.dtmf"):
    """A key the caller pressed, from the media stream's dtmf message."""

    digit: str


class CallEnded(Event, tag="call.ended"):
    """The call is over; it is the last event of a call.

    ``cause`` is Telnyx's ``hangup_cause`` where its webhook told it, else one of ours: ``dial_failed``,
    ``agent_hangup``, ``operator_hangup``, ``media_lost``, ``agent_lost``, ``agent_stopped``.
    ``source`` is who ended it: caller, callee, agent, operator, carrier or unknown. ``sip`` is the SIP status
    as the carrier wrote it. ``duration_ms`` counts from the answer, 0 if nobody answered. ``detail`` is empty
    when the conversation simply was over, else one sentence about what went wrong.
    """

    cause: str
    source: str
    duration_ms: int
    sip: str = ""
    detail: str = ""


class CallRecording(Event, tag="call.recording"):
    """The call's recording began, pauses, goes on or is over. ``at_ms`` is where in the recording that was;
    ``file`` is its name in the recordings folder. While it pauses, silence is written, so that every time in it
    is a time in the call. ``who`` is the operator, or agent for what happens by itself; ``failed`` is told
    with an ``error`` event that says why."""

    state: Literal["started", "paused", "resumed", "stopped", "failed"]
    at_ms: int
    file: str
    who: str = "agent"
