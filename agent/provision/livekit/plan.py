"""What is to be done so that the server has what is wanted, one step an object. Pure."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from agent.provision.livekit import objects
from agent.provision.livekit.merge import keeps_password, merge
from agent.provision.livekit.objects import Inbound, Info, Outbound, Rule
from agent.provision.livekit.steps import Found, Policy, Step, described
from agent.provision.livekit.wanted import Wanted

_ORDER = ("inbound trunk", "dispatch rule", "outbound trunk")
_Some = TypeVar("_Some", Inbound, Rule, Outbound)


def plan(wanted: Sequence[Wanted], found: Found, policy: Policy) -> list[Step]:
    """The steps, in the order in which they must be done: a rule needs the id of its trunk."""
    steps: list[Step] = []
    trunk: Inbound | None = None
    takes = any(isinstance(one.info, Inbound) for one in wanted)
    for one in sorted(wanted, key=lambda one: _ORDER.index(objects.kind(one.info))):
        if isinstance(one.info, Inbound):
            step = _inbound(one, one.info, found, policy)
            trunk = step.info if isinstance(step.info, Inbound) else trunk
        elif isinstance(one.info, Rule):
            step = _rule(one, one.info, trunk, takes, found, policy)
        else:
            step = _outbound(one, one.info, found, policy)
        steps.append(step)
    return steps


def _inbound(wanted: Wanted, info: Inbound, found: Found, policy: Policy) -> Step:
    holders = [one for one in found.inbound if objects.numbers(one) & objects.numbers(info)]
    if len(holders) > 1:
        names = " and ".join(map(objects.label, holders))
        return _refused(wanted, f"{names} have these numbers between them: leave them to one trunk first.")
    there = holders[0] if holders else _ours(found.inbound, info, wanted, policy)
    if there is None:
        return _created(wanted, info)
    return _compared(there, wanted, policy, f"has {', '.join(there.numbers) or 'any number'}")


def _rule(wanted: Wanted, info: Rule, trunk: Inbound | None, takes: bool, found: Found, policy: Policy) -> Step:
    """``trunk`` is the inbound trunk of the same run, None where that is refused or, unless ``takes``, none is
    asked for."""
    known = {one.sip_trunk_id for one in found.inbound}
    fresh = False
    if wanted.bound:
        if trunk is None and not takes:
            told = f"write {' or '.join(sorted(known))} into it" if known else "no inbound trunk is there"
            return _refused(
                wanted, f"Its trunk_ids is yet to be filled in: {told}, or give that trunk's file too."
            )
        if trunk is None:
            return Step("skip", "dispatch rule", objects.label(info), reason="Its inbound trunk cannot be set up.")
        fresh = not trunk.sip_trunk_id
        info = copy.deepcopy(info)
        info.trunk_ids.extend(() if fresh else (trunk.sip_trunk_id,))
        taken = ["The file leaves trunk_ids to be filled in: the inbound trunk is taken."] if wanted.source else []
        wanted = replace(wanted, info=info, remarks=(*taken, *wanted.remarks))
    unknown = [one for one in info.trunk_ids if one not in known]
    if unknown:
        return _refused(wanted, f"There is no inbound trunk {unknown[0]}: correct trunk_ids or leave them out.")
    rivals = [] if fresh else [one for one in found.rules if objects.same_calls(one, info)]
    there = rivals[0] if rivals else _ours(found.rules, info, wanted, policy)
    if there is None:
        remarks = [
            f"{objects.label(one)} takes the calls of all trunks; for this one the rule of its own comes first."
            for one in found.rules
            if not one.trunk_ids and (info.trunk_ids or fresh)
        ]
        return replace(_created(wanted, info, remarks), bound=fresh)
    calls = ", ".join(objects.agents(there)) or "no agent"
    return _compared(_without(there, known), wanted, policy, f"takes the same calls for {calls}", fresh)


def _outbound(wanted: Wanted, info: Outbound, found: Found, policy: Policy) -> Step:
    holders = [
        one
        for one in found.outbound
        if one.address.lower() == info.address.lower() and objects.numbers(one) & objects.numbers(info)
    ]
    # Several may dial for one number: what needs the least change is it.
    holders.sort(key=lambda one: len(merge(one, wanted, own=False)[1]))
    there = _ours(found.outbound, info, wanted, policy) or (holders[0] if holders else None)
    if there is None:
        return _created(wanted, info)
    return _compared(there, wanted, policy, f"dials from {', '.join(there.numbers)} at {there.address}")


def _compared(there: Info, wanted: Wanted, policy: Policy, holds: str, fresh: bool = False) -> Step:
    own = objects.made_for(there) is not None
    merged, changes = merge(there, wanted, own)
    if fresh:
        changes.append("trunks + the new inbound trunk")
    step = Step("keep", objects.kind(there), objects.label(there), there, remarks=wanted.remarks)
    if not changes:
        return replace(step, details=described(there))
    if not own and not policy.adopt:
        reason = (
            f"It {holds}, and was not made by us. It would need: {'; '.join(changes)}. Give --adopt to have that "
            "changed and nothing else, or delete it."
        )
        return replace(step, action="refuse", info=None, reason=reason)
    if not keeps_password(merged):
        reason = "The server does not show its password, and a change would lose it: set TELNYX_SIP_PASSWORD."
        return replace(step, action="refuse", info=None, reason=reason)
    return replace(step, action="change", info=merged, bound=fresh, details=tuple(changes))


def _created(wanted: Wanted, info: Info, remarks: Sequence[str] = ()) -> Step:
    label = objects.label(info)
    return Step(
        "create",
        objects.kind(info),
        label,
        copy.deepcopy(info),
        details=described(info),
        remarks=(*wanted.remarks, *remarks),
    )


def _refused(wanted: Wanted, reason: str) -> Step:
    info = wanted.info
    return Step("refuse", objects.kind(info), objects.label(info), remarks=wanted.remarks, reason=reason)


def _ours(there: Sequence[_Some], info: _Some, wanted: Wanted, policy: Policy) -> _Some | None:
    """What we made for this agent under that name, or else, unless a file asks, all that we made for it."""
    made = [one for one in there if objects.made_for(one) == policy.agent_name]
    only = made[0] if len(made) == 1 and not wanted.source else None
    return next((one for one in made if one.name == info.name), only)


def _without(rule: Rule, known: set[str]) -> Rule:
    """The rule without trunks that are gone; one that had no others must not come to take every call."""
    kept = [one for one in rule.trunk_ids if one in known]
    cleaned = copy.deepcopy(rule)
    del cleaned.trunk_ids[:]
    cleaned.trunk_ids.extend(kept)
    return cleaned
