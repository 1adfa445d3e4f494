"""What keeps calls from going between Telnyx and LiveKit, found in the Telnyx connection. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from livekit.protocol.sip import SIPMediaEncryption

from agent.provision.livekit.finding import Finding, State
from agent.provision.livekit.objects import label, numbers
from agent.provision.livekit.steps import Found
from agent.provision.livekit.wanted import Telephony

if TYPE_CHECKING:
    from telnyx.types.fqdn_connection import FqdnConnection

    from agent.provision.livekit.telnyx_account import TelnyxSide

_NAME = "telnyx trunk"
_SHARED_CODECS = {"G722", "G711U", "G711A"}
_ASSIGN = "Assign it to an FQDN connection with LiveKit's SIP host: docs/livekit.md"


def check_telnyx(side: TelnyxSide, found: Found, telephony: Telephony) -> list[Finding]:
    """One finding a cause; one that says so where there is none."""
    if side.connection is None:
        return [Finding(name=_NAME, state="note", text=side.elsewhere, fix=_ASSIGN)]
    what = f"“{side.connection.connection_name}”"
    told = [
        *_way_in(side.connection, side.fqdns, what, telephony),
        *_numbers_and_sound(side.connection, what, found),
        *_way_out(side.connection, what, telephony),
    ]
    good = f"{what} sends {telephony.number} to {', '.join(side.fqdns)}"
    return [Finding(name=_NAME, state=state, text=text, fix=fix) for state, text, fix in told] or [
        Finding(name=_NAME, state="ok", text=good)
    ]


def _way_in(
    connection: FqdnConnection, hosts: tuple[str, ...], what: str, telephony: Telephony
) -> Iterator[tuple[State, str, str]]:
    if connection.active is False:
        yield "missing", f"{what} is switched off", "Activate it."
    if not hosts:
        yield "missing", f"{what} has no FQDN: calls go nowhere", "Add LiveKit's SIP host to it."
    server = urlsplit(telephony.rooms.url).hostname or ""
    for host in hosts:
        if host == server and host.endswith(".livekit.cloud"):
            fix = "Give it the project's SIP URI without sip:, which ends with .sip.livekit.cloud."
            yield "missing", f"{what} sends calls to {host}, which takes no SIP", fix


def _numbers_and_sound(connection: FqdnConnection, what: str, found: Found) -> Iterator[tuple[State, str, str]]:
    inbound = connection.inbound
    if inbound is not None:
        if inbound.dnis_number_format not in (None, "+e164", "e164"):
            text = f"{what} sends the called number as {inbound.dnis_number_format}: no trunk has it so"
            yield "missing", text, "Set its inbound DNIS number format to +e164."
        if inbound.ani_number_format not in (None, "+E.164"):
            text = f"{what} sends the caller's number as {inbound.ani_number_format}"
            yield "note", text, "Set its inbound ANI number format to +E.164."
        if inbound.codecs and not {*inbound.codecs} & _SHARED_CODECS:
            text = f"{what} offers only {', '.join(inbound.codecs)}: LiveKit has none of them"
            yield "missing", text, "Add G722, G711U or G711A to its codecs."
    if connection.transport_protocol == "UDP":
        yield "note", f"{what} calls over UDP", "Set its transport to TCP, as LiveKit's guide has it."
    open_trunks = [
        trunk
        for trunk in found.inbound
        if numbers(trunk) and trunk.media_encryption == SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE
    ]
    if connection.encrypted_media == "SRTP" and open_trunks:
        text = f"{what} encrypts sound, and {label(open_trunks[0])} does not"
        yield "missing", text, "Turn SRTP off there, or allow media_encryption here."


def _way_out(connection: FqdnConnection, what: str, telephony: Telephony) -> Iterator[tuple[State, str, str]]:
    if connection.outbound is None or not connection.outbound.outbound_voice_profile_id:
        text = f"{what} has no outbound voice profile: no call can be placed"
        yield "missing", text, "Give it one that allows the countries you call."
    if telephony.user and connection.user_name and telephony.user != connection.user_name:
        text = f"{what} has the user {connection.user_name}, TELNYX_SIP_USERNAME is {telephony.user}"
        yield "missing", text, "Correct TELNYX_SIP_USERNAME, then sidetone setup livekit"
