"""Removing what setup made, and nothing else. Pure."""

from __future__ import annotations

from agent.provision.livekit import objects
from agent.provision.livekit.objects import Info
from agent.provision.livekit.steps import Found, Policy, Step, described


def removal(found: Found, policy: Policy) -> list[Step]:
    """The steps that remove what was made for our agent: the rule first, since it holds the trunk."""
    ours: list[Info] = [
        one
        for some in (found.rules, found.inbound, found.outbound)
        for one in some
        if objects.made_for(one) == policy.agent_name
    ]
    gone = {objects.identifier(one) for one in ours}
    return [_step(one, gone, found) for one in ours]


def _step(one: Info, gone: set[str], found: Found) -> Step:
    users = [
        objects.label(rule)
        for rule in found.rules
        if objects.identifier(one) in rule.trunk_ids and rule.sip_dispatch_rule_id not in gone
    ]
    kind, label = objects.kind(one), objects.label(one)
    if users:
        reason = f"The dispatch rule {users[0]} takes its calls and was not made by us: delete that one first."
        return Step("refuse", kind, label, reason=reason)
    return Step("delete", kind, label, one, details=described(one))
