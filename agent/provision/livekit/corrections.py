"""What is wrong with a trunk or rule that a file asks for, said and, when asked, corrected. Pure."""

from __future__ import annotations

import copy
from dataclasses import replace

from livekit import api

from agent.numbers import check_number
from agent.provision.livekit import telnyx_sip
from agent.provision.livekit.objects import Inbound, Outbound, Rule, agents, mark
from agent.provision.livekit.wanted import TRANSPORTS, Wanted, WantedError, address_problem

_TOLD = "--repair does."


def corrected(wanted: Wanted, agent_name: str, repair: bool) -> Wanted:
    """The same with remarks, with our mark where it has no metadata of its own, and, with ``repair``, corrected.

    Raises:
        WantedError: it could never work as it is.
    """
    info = copy.deepcopy(wanted.info)
    if not info.metadata:
        info.metadata = mark(agent_name)
        remarks: list[str] = []
    else:
        remarks = ["It has metadata of its own, so that --remove will not know it for ours."]
    fields = list(wanted.fields)
    if isinstance(info, Rule):
        remarks += _rule(info, fields, agent_name, repair)
    else:
        if info.sip_trunk_id:
            raise WantedError(f"{wanted.source}: sip_trunk_id is the server's to give: leave it out.")
        remarks += _numbers(info, wanted.source, repair)
        if isinstance(info, Outbound):
            remarks += _outbound(info, fields, wanted.source, repair)
        elif not (info.numbers or info.allowed_addresses or info.auth_username):
            raise WantedError(f"{wanted.source}: the inbound trunk has no numbers: LiveKit wants them.")
    return replace(wanted, info=info, fields=tuple(fields), remarks=(*wanted.remarks, *remarks))


def _numbers(info: Inbound | Outbound, source: str, repair: bool) -> list[str]:
    right: list[str] = []
    changed: list[str] = []
    for number in info.numbers:
        if check_number(number) == number:
            right.append(number)
            continue
        better = check_number(number)
        if better is None:
            raise WantedError(f"{source}: {number} is no number in E.164: write + and the country code first.")
        if not repair:
            raise WantedError(f"{source}: {number} is not in E.164: write {better}, or give --repair.")
        right.append(better)
        changed.append(f"{number} is written {better}.")
    del info.numbers[:]
    info.numbers.extend(right)
    return changed


def _outbound(info: Outbound, fields: list[str], source: str, repair: bool) -> list[str]:
    told: list[str] = []
    problem = address_problem(info.address)
    if problem and repair:
        told.append(f"The address {info.address} is written as a host.")
        _as_host(info, fields)
        problem = address_problem(info.address)
    if problem:
        raise WantedError(f"{source}: {problem}" + ("" if repair else " --repair corrects a sip: address."))
    if not info.numbers:
        raise WantedError(
            f"{source}: the outbound trunk has no numbers: LiveKit wants the ones that it calls from."
        )
    if not telnyx_sip.is_telnyx(info.address):
        return [*told, f"Its address {info.address} is not Telnyx'."]
    if not info.auth_username or not info.auth_password:
        told.append(
            "It has no auth_username and auth_password: Telnyx will refuse its calls unless it knows the IP."
        )
    if info.auth_username and not _sends_header(info):
        told.append(_header(info, fields, repair))
    return told


def _as_host(info: Outbound, fields: list[str]) -> None:
    address = info.address.removeprefix("sips:").removeprefix("sip:").rsplit("@", 1)[-1]
    host, _, parameters = address.partition(";")
    info.address = host.strip().rstrip("/")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        found = [number for known, number in TRANSPORTS.items() if known == value.strip().lower()]
        if name.strip() == "transport" and found:
            info.transport = found[0]
            fields.append("transport")


def _sends_header(info: Outbound) -> bool:
    return any(name.lower() == telnyx_sip.HEADER.lower() for name in info.headers)


def _header(info: Outbound, fields: list[str], repair: bool) -> str:
    mapped = any(name.lower() == telnyx_sip.HEADER.lower() for name in info.headers_to_attributes)
    why = "headers_to_attributes reads headers and sends none" if mapped else "Telnyx may bill another account"
    if not repair:
        return f"The file sends no {telnyx_sip.HEADER}: {why}. Put it into headers; {_TOLD}"
    info.headers[telnyx_sip.HEADER] = info.auth_username
    fields.append("headers")
    return f"{telnyx_sip.HEADER} is added to the file's headers: {why}."


def _rule(info: Rule, fields: list[str], agent_name: str, repair: bool) -> list[str]:
    if info.rule.WhichOneof("rule") is None:
        raise WantedError("The dispatch rule says nothing of rooms: give it a dispatchRuleIndividual.")
    named = agents(info)
    if named and agent_name not in named:
        calls = f"The file calls agent {', '.join(named)}, and ours is {agent_name}"
        return [f"{calls}: set SIDETONE_AGENT_NAME, or correct it."]
    if named:
        return []
    if not repair:
        return [f"The file calls no agent: callers hear nobody. Add {agent_name} to roomConfig.agents; {_TOLD}"]
    info.room_config.agents.append(api.RoomAgentDispatch(agent_name=agent_name))
    fields.append("room_config")
    return [f"The file calls no agent; {agent_name} is added."]
