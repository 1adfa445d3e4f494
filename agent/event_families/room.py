"""Calls in LiveKit rooms, and the worker that takes them: ``room.*`` and ``worker.*``."""

from __future__ import annotations

from typing import Literal

import msgspec

from agent.event_families.envelope import Event


class RoomOpened(Event, tag="room.opened"):
    """The call has a room on the LiveKit server at ``url``. ``trunk`` and ``rule`` are the ids of the SIP trunk
    and, for an incoming call, of the dispatch rule."""

    room: str
    url: str
    agent_name: str
    trunk: str = ""
    rule: str = ""


class RoomSip(Event, tag="room.sip"):
    """The other party's SIP participant joined, or its attributes changed.

    ``status`` is its ``sip.callStatus``: dialing, ringing, automation, active or hangup. ``attributes`` are all
    its ``sip.*`` attributes without that prefix (livekit/sip ``pkg/sip``, livekit/protocol ``livekit/attrs.go``).
    """

    identity: str
    status: str
    attributes: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class RoomParticipant(Event, tag="room.participant"):
    """Somebody joined or left the room. ``kind`` is sip, agent, operator or other; ``reason`` is LiveKit's
    disconnect reason in lower case, such as user_rejected. Hidden listeners are seen by nobody, so not told."""

    identity: str
    kind: Literal["sip", "agent", "operator", "other"]
    joined: bool
    reason: str = ""


class WorkerState(Event, tag="worker.state"):
    """The worker's standing with the LiveKit server at ``url``, which dispatches to ``agent_name``.

    ``detail`` is why it is lost, in one sentence.
    """

    state: Literal["connecting", "registered", "lost", "draining", "stopped"]
    agent_name: str
    url: str
    worker_id: str = ""
    detail: str = ""


class WorkerLoad(Event, tag="worker.load"):
    """Live only. ``load`` is from 0 to 1; at ``limit`` or above, and with ``most_jobs``, jobs are refused."""

    load: float
    limit: float
    jobs: int
    most_jobs: int


class WorkerRefused(Event, tag="worker.refused"):
    """The worker refused a job that the server offered, and the server offers it to another worker, if there is
    one; else the call stays without an agent. ``reason`` is one sentence."""

    job: str
    room: str
    reason: str
