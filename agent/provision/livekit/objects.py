"""The three kinds of objects on a LiveKit server, as one. Pure.

They are LiveKit's own messages (livekit-protocol 1.1.29, ``livekit.protocol.sip``).
"""

from __future__ import annotations

import json
import re
from typing import Literal

from livekit import api

Inbound = api.SIPInboundTrunkInfo
Rule = api.SIPDispatchRuleInfo
Outbound = api.SIPOutboundTrunkInfo
Info = Inbound | Rule | Outbound
Kind = Literal["inbound trunk", "dispatch rule", "outbound trunk"]

_BLANKS = re.compile(r"[ ()\-]")

ANY_NUMBER = ("", "*")
"""In place of an outbound trunk's number: it calls from any, which each call must name."""


def kind(info: Info) -> Kind:
    if isinstance(info, Rule):
        return "dispatch rule"
    return "inbound trunk" if isinstance(info, Inbound) else "outbound trunk"


def identifier(info: Info) -> str:
    """The server's id, empty for what is not there yet."""
    return info.sip_dispatch_rule_id if isinstance(info, Rule) else info.sip_trunk_id


def label(info: Info) -> str:
    """Its id and name, for people."""
    name = f"“{info.name}”" if info.name else ""
    return " ".join(filter(None, (identifier(info), name))) or "without a name"


def mark(agent_name: str) -> str:
    """The metadata of what was made for that agent."""
    return json.dumps({"made_by": "sidetone", "agent": agent_name}, separators=(",", ":"))


def made_for(info: Info) -> str | None:
    """The agent's name for which we made this, None when we did not make it."""
    try:
        told = json.loads(info.metadata)
    except ValueError:
        return None
    if not isinstance(told, dict) or told.get("made_by") != "sidetone":
        return None
    return str(told.get("agent", ""))


def transport_name(transport: api.SIPTransport) -> str:
    """As people write it, such as TCP."""
    return api.SIPTransport.Name(transport).removeprefix("SIP_TRANSPORT_")


def normal(number: str) -> str:
    """A number as LiveKit compares it (livekit/protocol ``livekit/sip.go`` NormalizeNumber)."""
    plain = _BLANKS.sub("", number)
    return f"+{plain}" if plain.isdecimal() else plain


def numbers(info: Inbound | Outbound) -> set[str]:
    return {normal(number) for number in info.numbers}


def agents(rule: Rule) -> list[str]:
    """The names of the agents that a rule calls into its rooms."""
    return [agent.agent_name for agent in rule.room_config.agents]


def shared_room(rule: Rule) -> bool:
    """Whether several callers come into one room (``SIPDispatchRuleDirect``, ``SIPDispatchRuleCallee``)."""
    chosen = rule.rule.WhichOneof("rule")
    return chosen == "dispatch_rule_direct" or (
        chosen == "dispatch_rule_callee" and not rule.rule.dispatch_rule_callee.randomize
    )


def pin(rule: Rule) -> str:
    chosen = rule.rule.WhichOneof("rule")
    return getattr(rule.rule, chosen).pin if chosen else ""


def same_calls(one: Rule, other: Rule) -> bool:
    """Whether the server refuses both at once: they take the same calls (livekit/protocol ``sip/sip.go``
    DispatchRuleValidator)."""

    def share(mine: list[str], theirs: list[str]) -> bool:
        return bool({*mine} & {*theirs}) if mine and theirs else not mine and not theirs

    return (
        pin(one) == pin(other)
        and share(list(one.trunk_ids), list(other.trunk_ids))
        and share([*map(normal, one.inbound_numbers)], [*map(normal, other.inbound_numbers)])
        and share([*map(normal, one.numbers)], [*map(normal, other.numbers)])
    )
