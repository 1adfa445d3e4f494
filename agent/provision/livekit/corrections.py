"""What is wrong with a trunk or rule that a file asks for, said and, when asked, corrected. Pure."""

from __future__ import annotations

import copy
import re
from dataclasses import replace

from livekit import api

from agent.numbers import check_number
from agent.provision.livekit import telnyx_sip
from agent.provision.livekit.files import unfilled
from agent.provision.livekit.objects import (
    ANY_NUMBER,
    Inbound,
    Outbound,
    Rule,
    agents,
    mark,
    normal,
    shared_room,
)
from agent.provision.livekit.wanted import TRANSPORTS, Wanted, WantedError, address_problem

_TOLD = "--repair does."
_LOGIN = ("auth_username", "auth_password")


def corrected(wanted: Wanted, agent_name: str, repair: bool, login: tuple[str, str] = ("", "")) -> Wanted:
    """The same with remarks, with our mark where it has no metadata of its own, and, with ``repair``, corrected.

    ``login`` is the user name and password of the settings, for a trunk to Telnyx that leaves them out.

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
    for name in ("sip_trunk_id", "sip_dispatch_rule_id"):
        if name in fields:
            raise WantedError(f"{wanted.source}: {name} is the server's to give: leave it out.")
    if isinstance(info, Rule):
        remarks += _rule(info, fields, wanted.source, agent_name, repair)
    else:
        remarks += _numbers(info, wanted.source, repair)
        if isinstance(info, Outbound):
            remarks += _outbound(info, fields, wanted.source, repair, login)
        elif not (info.numbers or info.allowed_addresses or info.auth_username):
            raise WantedError(f"{wanted.source}: the inbound trunk has no numbers: LiveKit wants them.")
    return replace(wanted, info=info, fields=tuple(fields), remarks=(*wanted.remarks, *remarks))


def _numbers(info: Inbound | Outbound, source: str, repair: bool) -> list[str]:
    right: list[str] = []
    told: list[str] = []
    for number in info.numbers:
        better, taken = check_number(number) or "", normal(number)
        right.append(better if repair and better else number)
        if isinstance(info, Outbound) and number in ANY_NUMBER:
            told.append("It has no number of its own: calls are made from TELNYX_PHONE_NUMBER.")
        elif not re.fullmatch(r"\+\d+", taken):
            raise WantedError(f"{source}: {number} is no number in E.164: write + and the country code first.")
        elif not better:
            why = "cannot be one" if taken == number else f"has none, and LiveKit takes it for {taken}"
            told.append(f"A number needs + and its country code first: {number} {why}.")
        elif better != number and repair:
            told.append(f"{number} is written {better}.")
        elif better != number:
            told.append(f"{number} is not in E.164: write {better}; {_TOLD}")
    del info.numbers[:]
    info.numbers.extend(right)
    return told


def _outbound(info: Outbound, fields: list[str], source: str, repair: bool, login: tuple[str, str]) -> list[str]:
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
    told += _login(info, fields, source, login)
    if not telnyx_sip.is_telnyx(info.address):
        return [*told, f"Its address {info.address} is not Telnyx'."]
    if not info.auth_username or not info.auth_password:
        told.append(
            "It has no auth_username and auth_password: Telnyx will refuse its calls unless it knows the IP. Set "
            "TELNYX_SIP_USERNAME and TELNYX_SIP_PASSWORD in .env."
        )
    return told + (_header(info, fields, repair) if info.auth_username else [])


def _login(info: Outbound, fields: list[str], source: str, login: tuple[str, str]) -> list[str]:
    """Fill in the user name and password that LiveKit's guide leaves out of the file and Telnyx' leaves open."""
    is_open = [name for name in _LOGIN if name not in fields or unfilled(getattr(info, name))]
    ours = telnyx_sip.is_telnyx(info.address) and ("auth_username" in is_open or info.auth_username == login[0])
    if "auth_password" in is_open and ours and all(login):
        info.auth_username, info.auth_password = login
        fields.extend(name for name in _LOGIN if name not in fields)
        return ["Its user name and password are TELNYX_SIP_USERNAME and TELNYX_SIP_PASSWORD."]
    for name in is_open:
        if name in fields:
            instead = ": do so, or set TELNYX_SIP_USERNAME and TELNYX_SIP_PASSWORD in .env" if ours else ""
            raise WantedError(f"{source}: {name} has yet to be filled in{instead}.")
    return []


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


def _header(info: Outbound, fields: list[str], repair: bool) -> list[str]:
    header, user = telnyx_sip.HEADER, info.auth_username
    sent = [name for name in info.headers if name.lower() == header.lower()]
    if any(info.headers[name] == user for name in sent):
        return []
    if sent and not repair:
        return [f"The file sends {header}: {info.headers[sent[0]]}, and its user is {user}: correct it; {_TOLD}"]
    mapped = any(name.lower() == header.lower() for name in info.headers_to_attributes)
    why = (
        "headers_to_attributes reads headers and sends none"
        if mapped
        else "Telnyx may take its calls for another account's"
    )
    if not repair:
        return [f"The file sends no {header}: {why}. Put it into headers; {_TOLD}"]
    for name in sent:
        del info.headers[name]
    info.headers[header] = user
    fields.append("headers")
    return [f"{header}: {user} is {'corrected in' if sent else 'added to'} the file's headers: {why}."]


def _rule(info: Rule, fields: list[str], source: str, agent_name: str, repair: bool) -> list[str]:
    if info.rule.WhichOneof("rule") is None:
        raise WantedError(f"{source}: the dispatch rule says nothing of rooms: give it a dispatchRuleIndividual.")
    shared = "Several callers come into one room and hear each other: a dispatchRuleIndividual parts them."
    told, named = [shared] if shared_room(info) else [], agents(info)
    if named and agent_name not in named:
        calls = f"The file calls agent {', '.join(named)}, and ours is {agent_name}"
        return [*told, f"{calls}: set SIDETONE_AGENT_NAME={named[0]} in .env, or correct agentName in the file."]
    if named:
        return told
    if not repair:
        calls = "The file calls no agent: callers hear nobody"
        return [*told, f"{calls}. Add {agent_name} to roomConfig.agents; {_TOLD}"]
    info.room_config.agents.append(api.RoomAgentDispatch(agent_name=agent_name))
    fields.append("room_config")
    return [*told, f"The file calls no agent; {agent_name} is added."]
