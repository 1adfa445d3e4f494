"""What keeps calls from reaching our agent, or from leaving it, found in what is on the server. Pure.

The causes are those of the troubleshooting pages of LiveKit (docs.livekit.io, reference/telephony) and of Telnyx'
LiveKit guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from livekit.protocol.sip import SIPMediaConfig, SIPMediaEncryption

from agent.numbers import check_number
from agent.provision.livekit import objects, telnyx_sip
from agent.provision.livekit.finding import Finding, State
from agent.provision.livekit.objects import Inbound, Outbound, Rule, label
from agent.provision.livekit.steps import Found
from agent.provision.livekit.wanted import Telephony, address_problem

_SETUP = "sidetone setup livekit"


def check(found: Found, telephony: Telephony) -> list[Finding]:
    """One finding a cause; one that says so where there is none."""
    return [*_inbound(found, telephony), *_rules(found, telephony), *_outbound(found, telephony)]


def _inbound(found: Found, telephony: Telephony) -> list[Finding]:
    name = "inbound trunk"
    if not found.inbound:
        return [_finding(name, "note", "there is none: no call can come in", _SETUP)]
    ours = _of_number(found.inbound, telephony.number)
    if telephony.number and not ours:
        held = ", ".join(number for trunk in found.inbound for number in trunk.numbers) or "none"
        text = f"none has TELNYX_PHONE_NUMBER {telephony.number}; they have {held}"
        return [_finding(name, "missing", text, f"{_SETUP}, or correct TELNYX_PHONE_NUMBER.")]
    troubles = [_finding(name, *one) for trunk in ours or found.inbound for one in _inbound_troubles(trunk)]
    good = ", ".join(f"{label(trunk)} has {', '.join(trunk.numbers) or 'any number'}" for trunk in ours)
    return troubles or [_finding(name, "ok", good or f"{len(found.inbound)}; TELNYX_PHONE_NUMBER is not set")]


def _inbound_troubles(trunk: Inbound) -> Iterator[tuple[State, str, str]]:
    what = label(trunk)
    if not trunk.numbers:
        yield "note", f"{what} has no number, so it takes calls to any", _SETUP
    for number in trunk.numbers:
        taken = objects.normal(number)
        if taken != number and check_number(taken) == taken:
            yield "note", f"{what}: {number} is not in E.164, and LiveKit takes it for {taken}", f"Write {taken}."
        elif check_number(number) != number:
            yield "missing", *_format(what, number)
    if trunk.auth_username or trunk.auth_password:
        yield (
            "missing",
            f"{what} wants a password, and Telnyx gives none",
            "Remove auth_username and auth_password.",
        )
    if not telnyx_sip.lets_telnyx_in(list(trunk.allowed_addresses)):
        fix = "Put Telnyx' signalling addresses (sip.telnyx.com lists them) into allowed_addresses, or empty it."
        yield "missing", f"{what} lets none of Telnyx' addresses in", fix
    if trunk.allowed_numbers:
        yield "note", f"{what} takes calls only from {', '.join(trunk.allowed_numbers)}", "Empty allowed_numbers."
    yield from _media(what, trunk.media, trunk.media_encryption)


def _rules(found: Found, telephony: Telephony) -> list[Finding]:
    name, agent_name = "dispatch rule", telephony.rooms.agent_name
    if not found.inbound:
        return []
    trunks = _of_number(found.inbound, telephony.number) or found.inbound
    ids = {trunk.sip_trunk_id for trunk in trunks}
    rules = [rule for rule in found.rules if ids & {*rule.trunk_ids}]
    rules = rules or [rule for rule in found.rules if not rule.trunk_ids]
    if not rules:
        return [_finding(name, "missing", f"none takes the calls of {label(trunks[0])}", _SETUP)]
    troubles = [
        _finding(name, *one) for rule in rules for one in _rule_troubles(rule, agent_name, telephony.number)
    ]
    return troubles or [_finding(name, "ok", f"{label(rules[0])} calls agent {agent_name}")]


def _rule_troubles(rule: Rule, agent_name: str, number: str) -> Iterator[tuple[State, str, str]]:
    what, named = label(rule), objects.agents(rule)
    if not named:
        yield "missing", f"{what} calls no agent: callers hear nobody", f"{_SETUP} --adopt"
    elif agent_name not in named:
        text = (
            f"{what} calls agent {', '.join(one or 'without a name' for one in named)}, and ours is {agent_name}"
        )
        yield "missing", text, f"Set SIDETONE_AGENT_NAME={named[0]}, or {_SETUP} --adopt"
    if objects.shared_room(rule):
        fix = f"Give it a dispatchRuleIndividual, or {_SETUP} --adopt"
        yield "note", f"{what} puts several callers into one room: they hear each other", fix
    if objects.pin(rule):
        yield "note", f"{what} asks callers for a PIN", "Remove its pin."
    if number and rule.numbers and number not in map(objects.normal, rule.numbers):
        yield "missing", f"{what} is for calls to {', '.join(rule.numbers)} alone", f"Add {number} to its numbers."
    if rule.inbound_numbers:
        yield "note", f"{what} is for calls from {', '.join(rule.inbound_numbers)} alone", "Empty inbound_numbers."
    if rule.hide_phone_number:
        yield "note", f"{what} hides the caller's number from the agent", "Unset hide_phone_number."


def _outbound(found: Found, telephony: Telephony) -> list[Finding]:
    name, chosen = "outbound trunk", telephony.rooms.trunk
    if not found.outbound:
        return [_finding(name, "note", "there is none: no call can be placed", _SETUP)]
    trunks = [trunk for trunk in found.outbound if chosen in ("", trunk.sip_trunk_id, trunk.name)]
    if not trunks:
        known = ", ".join(map(label, found.outbound))
        return [
            _finding(
                name, "missing", f"there is no {chosen}; there is {known}", "Correct SIDETONE_OUTBOUND_TRUNK."
            )
        ]
    if len(trunks) > 1:
        text = f"there are {len(trunks)}: {', '.join(map(label, trunks))}"
        return [
            _finding(name, "missing", text, f"Set SIDETONE_OUTBOUND_TRUNK={trunks[0].sip_trunk_id} or another.")
        ]
    troubles = [_finding(name, *one) for one in _outbound_troubles(trunks[0], telephony.number)]
    good = f"{label(trunks[0])} calls from {', '.join(trunks[0].numbers)} by {trunks[0].address}"
    return troubles or [_finding(name, "ok", good)]


def _outbound_troubles(trunk: Outbound, number: str) -> Iterator[tuple[State, str, str]]:
    what = label(trunk)
    problem = address_problem(trunk.address)
    if problem:
        yield "missing", f"{what}: {problem}", f"{_SETUP} --adopt"
    elif not telnyx_sip.is_telnyx(trunk.address):
        yield (
            "note",
            f"{what} calls by {trunk.address}, which is not Telnyx'",
            f"It is {telnyx_sip.ADDRESS} there.",
        )
    else:
        yield from _telnyx_troubles(trunk, what)
    own = [one for one in trunk.numbers if one not in objects.ANY_NUMBER]
    if not own and not (trunk.numbers and number):
        yield "missing", f"{what} has no number to call from", f"Set TELNYX_PHONE_NUMBER, then {_SETUP}"
    elif own and number and objects.normal(number) not in objects.numbers(trunk):
        text = f"{what} calls from {', '.join(trunk.numbers)}, not from TELNYX_PHONE_NUMBER {number}"
        yield "missing", text, f"{_SETUP} --adopt"
    for one in own:
        if check_number(one) != one:
            yield "missing", *_format(what, one)
    yield from _media(what, trunk.media, trunk.media_encryption)


def _telnyx_troubles(trunk: Outbound, what: str) -> Iterator[tuple[State, str, str]]:
    if not trunk.auth_username:
        yield "missing", f"{what} has no user name: Telnyx answers 403", "Set TELNYX_SIP_*, then " + _SETUP
        return
    sent = {name.lower(): value for name, value in trunk.headers.items()}.get(telnyx_sip.HEADER.lower())
    if sent is None:
        yield "missing", f"{what} does not send {telnyx_sip.HEADER}: {_MAY}", f"{_SETUP} --adopt"
    elif sent != trunk.auth_username:
        yield "missing", f"{what} sends {telnyx_sip.HEADER}: {sent}, its user is {trunk.auth_username}", _SETUP
    if objects.transport_name(trunk.transport) in ("AUTO", "UDP"):
        yield (
            "note",
            f"{what} calls over {objects.transport_name(trunk.transport)}",
            "Telnyx advises TCP: " + _SETUP,
        )


def _format(what: str, number: str) -> tuple[str, str]:
    # Which country one without + is in cannot be known: 510 is Oakland's code, and 51 that of Peru.
    better = check_number(number) or "it with + and the country code"
    return f"{what}: {number} is not in E.164", f"Write {better}."


def _media(what: str, media: SIPMediaConfig, encryption: SIPMediaEncryption) -> Iterator[tuple[State, str, str]]:
    listed = {codec.name.upper() for codec in media.codecs}
    if media.only_listed_codecs and not listed & {*telnyx_sip.CODECS}:
        fix = f"Add one of {', '.join(telnyx_sip.CODECS[:3])} to its codecs."
        yield "missing", f"{what} allows only {', '.join(sorted(listed)) or 'no codec'}: no sound with Telnyx", fix
    if SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE in (encryption, media.encryption):
        yield "note", f"{what} wants encrypted sound", "Turn on SRTP in the Telnyx connection, or unset it."


def _of_number(trunks: Sequence[Inbound], number: str) -> list[Inbound]:
    return [trunk for trunk in trunks if number and objects.normal(number) in objects.numbers(trunk)]


def _finding(name: str, state: State, text: str, fix: str = "") -> Finding:
    return Finding(name=name, state=state, text=text, fix=fix)


_MAY = "calls may be billed to another account"
