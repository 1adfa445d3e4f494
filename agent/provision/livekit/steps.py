"""What a plan is made of: what is on the server, and what is to be done to one object. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from livekit import api

from agent.provision.livekit import objects
from agent.provision.livekit.objects import Inbound, Info, Kind, Outbound, Rule

Action = Literal["create", "change", "keep", "delete", "skip", "refuse"]

_ROOMS = {
    "dispatch_rule_individual": "each call into a room {0}…",
    "dispatch_rule_direct": "all calls into the room {0}",
    "dispatch_rule_callee": "each called number into a room {0}…",
}


@dataclass(frozen=True, slots=True)
class Found:
    """What is on the server."""

    inbound: Sequence[Inbound] = ()
    rules: Sequence[Rule] = ()
    outbound: Sequence[Outbound] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """``info`` is what the server gets; ``bound`` is a rule to which the id of the inbound trunk of the same plan
    is added first. ``details`` are what it is, or for a change what changes; ``reason`` says why it is skipped or
    refused; ``remarks`` are sentences about it."""

    action: Action
    kind: Kind
    label: str
    info: Info | None = field(default=None, repr=False)
    bound: bool = False
    details: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """``agent_name`` is ours; ``adopt`` allows to change what others made."""

    agent_name: str
    adopt: bool = False


def described(info: Info) -> tuple[str, ...]:
    """What an object is, in a few words each, without passwords."""
    if isinstance(info, Rule):
        names = ", ".join(name or "any without a name" for name in objects.agents(info)) or "none"
        found = [rooms(info.rule), f"agent {names}"]
        found += ["asks for a PIN"] if objects.pin(info) else []
        return (*found, *_only("to", info.numbers), *_only("from", info.inbound_numbers))
    numbers = ", ".join(info.numbers) or "any number"
    if isinstance(info, Inbound):
        found = [numbers, *_only("from", info.allowed_addresses), *_only("from", info.allowed_numbers)]
        return (*found, *([f"user {info.auth_username}"] if info.auth_username else []))
    found = [numbers, f"to {info.address} over {objects.transport_name(info.transport)}"]
    if info.auth_username:
        found.append(f"user {info.auth_username}")
    found += [f"{name}: {value}" for name, value in info.headers.items()]
    if info.destination_country:
        found.append(f"country {info.destination_country}")
    return tuple(found)


def _only(way: str, limits: Sequence[str]) -> list[str]:
    return [f"{way} {', '.join(limits)} only"] if limits else []


def rooms(rule: api.SIPDispatchRule) -> str:
    """Where a rule puts callers."""
    chosen = rule.WhichOneof("rule")
    if chosen is None:
        return "no rule"
    kind = getattr(rule, chosen)
    return _ROOMS[chosen].format(kind.room_name if chosen == "dispatch_rule_direct" else kind.room_prefix)
