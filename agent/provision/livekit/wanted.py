"""What should be on the LiveKit server for one Telnyx number and one agent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from livekit import api

from agent.numbers import check_number
from agent.provision.livekit import telnyx_sip
from agent.provision.livekit.objects import Inbound, Info, Outbound, Rule, mark
from agent.settings import Rooms, Service, Settings, SettingsError, read

Transport = Literal["tcp", "tls", "udp", "auto"]
TRANSPORTS: dict[Transport, api.SIPTransport] = {
    "tcp": api.SIPTransport.SIP_TRANSPORT_TCP,
    "tls": api.SIPTransport.SIP_TRANSPORT_TLS,
    "udp": api.SIPTransport.SIP_TRANSPORT_UDP,
    "auto": api.SIPTransport.SIP_TRANSPORT_AUTO,
}
ROOM_PREFIX = "call-"

_NEEDED = (
    "LIVEKIT_URL",
    "LIVEKIT_API_KEY",
    "LIVEKIT_API_SECRET",
    "SIDETONE_AGENT_NAME",
    "SIDETONE_OUTBOUND_TRUNK",
    "TELNYX_PHONE_NUMBER",
    "TELNYX_BASE_URL",
    "TELNYX_API_KEY",
)


class WantedError(Exception):
    """What is asked for cannot be; one sentence."""


@dataclass(frozen=True, slots=True)
class Telephony:
    """The settings that are needed here: ``rooms`` is the server and the agent's name there, ``telnyx`` its REST
    API, ``number`` TELNYX_PHONE_NUMBER, ``user`` and ``password`` those of the Telnyx SIP connection."""

    rooms: Rooms
    telnyx: Service
    number: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """``fields`` of ``info`` are compared with what is there; of others nothing is asked.

    ``grows``: its numbers and trunks are added to those that are there, else they are all of them. ``bound``:
    the rule is for the inbound trunk of the same run, whose id is known only when that is there. ``source`` is the
    file that asks for it, ``remarks`` are sentences about that.
    """

    info: Info = field(repr=False)
    fields: tuple[str, ...]
    grows: bool = False
    bound: bool = False
    source: str = ""
    remarks: tuple[str, ...] = ()


def telephony(environment: Mapping[str, str], agent_name: str = "") -> Telephony:
    """Read the settings; ``agent_name`` comes before that of the environment.

    Raises:
        SettingsError: the server's address or key is not set, or one of them makes no sense.
    """
    chosen = {name: environment.get(name, "") for name in _NEEDED}
    if agent_name:
        chosen["SIDETONE_AGENT_NAME"] = agent_name
    settings: Settings = read({**chosen, "SIDETONE_FRAMEWORK": "livekit", "SIDETONE_ROOMS": "on"})
    assert settings.rooms is not None
    if settings.rooms.missing:
        raise SettingsError(settings.rooms.missing[0])
    return Telephony(
        settings.rooms,
        settings.telnyx,
        settings.phone_number,
        environment.get("TELNYX_SIP_USERNAME", "").strip(),
        environment.get("TELNYX_SIP_PASSWORD", "").strip(),
    )


def checked_numbers(given: list[str]) -> list[str]:
    """The numbers in E.164.

    Raises:
        WantedError: there is none, or one is none.
    """
    found: list[str] = []
    for text in given:
        number = check_number(text)
        if number is None:
            raise WantedError(f"{text} is no telephone number in E.164: begin with + and the country code.")
        found.append(number)
    if not found:
        raise WantedError("There is no number: set TELNYX_PHONE_NUMBER in .env, or give --number.")
    return found


def inbound(numbers: list[str], allowed: list[str], agent_name: str) -> Wanted:
    """Without a user name: Telnyx does not log in to those that it calls. With ``allowed`` addresses only calls
    from there are taken."""
    info = Inbound(
        name=f"Sidetone in ({agent_name})", metadata=mark(agent_name), numbers=numbers, allowed_addresses=allowed
    )
    fields = ("name", "metadata", "numbers", "auth_username", "auth_password")
    return Wanted(info, fields + (("allowed_addresses",) if allowed else ()), grows=True)


def rule(agent_name: str) -> Wanted:
    """Every caller gets a room, and the agent of that name comes there."""
    info = Rule(
        name=f"Sidetone calls ({agent_name})",
        metadata=mark(agent_name),
        rule=api.SIPDispatchRule(dispatch_rule_individual=api.SIPDispatchRuleIndividual(room_prefix=ROOM_PREFIX)),
        room_config=api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=agent_name)]),
    )
    return Wanted(info, ("name", "metadata", "rule", "trunk_ids", "room_config"), grows=True, bound=True)


def outbound(numbers: list[str], telephony: Telephony, address: str, transport: Transport, country: str) -> Wanted:
    """Raises:
    WantedError: the address is no host, the country none, or there is no user or password.
    """
    if not telephony.user or not telephony.password:
        raise WantedError(
            "TELNYX_SIP_USERNAME and TELNYX_SIP_PASSWORD are not set: put the user name and password of your "
            "Telnyx SIP connection into .env."
        )
    problem = address_problem(address)
    if problem:
        raise WantedError(problem)
    if country and not (len(country) == 2 and country.isalpha() and country.isascii()):
        raise WantedError(f"{country} is no country: give two letters, such as US.")
    agent_name = telephony.rooms.agent_name
    info = Outbound(
        name=f"Sidetone out ({agent_name})",
        metadata=mark(agent_name),
        address=address,
        transport=TRANSPORTS[transport],
        numbers=numbers,
        auth_username=telephony.user,
        auth_password=telephony.password,
        headers={telnyx_sip.HEADER: telephony.user},
        destination_country=country,
    )
    fields = ("name", "metadata", "address", "transport", "numbers", "auth_username", "auth_password", "headers")
    return Wanted(info, fields + (("destination_country",) if country else ()), grows=True)


def address_problem(address: str) -> str:
    """Why an outbound trunk cannot have this address, or nothing (livekit/protocol ``livekit/sip.go``
    SIPOutboundTrunkInfo.Validate)."""
    if not address:
        return f"The outbound trunk has no address: it is {telnyx_sip.ADDRESS} for Telnyx."
    if address.startswith(("sip:", "sips:")) or set(address) & set("@;/ <>"):
        return f"The address {address} is not host or host:port: for Telnyx it is {telnyx_sip.ADDRESS}."
    return ""
