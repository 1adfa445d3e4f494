"""Which INVITEs sip.telnyx.com takes, and on which connection of the account they are calls.

Sources: Telnyx, "SIP Response Codes" (D-codes), "Caller ID Number Policy" (which header says who calls, D35),
"SIP Authentication Methods"; the LiveKit configuration guide (X-Telnyx-Username: the connection that is meant,
where the address alone would be that of another one's IP connection); a trace of sip.telnyx.com for D51.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from aiosipua import SipRequest, parse_address, parse_uri

from simulator.sip.answers import Refused
from simulator.sip.digest import Challenges, credentials_of, proves
from simulator.telnyx.account.numbering import country_of
from simulator.telnyx.account.records.connections import CredentialConnection, FqdnConnection, IpConnection
from simulator.telnyx.account.records.sip import SipOutbound
from simulator.telnyx.account.store import Account
from simulator.telnyx.account.views import Application, view_of
from simulator.telnyx.requests.numbers import is_e164

_ORIGINS: Final = ("p-preferred-identity", "p-asserted-identity", "remote-party-id", "from")
"""Where the calling number is looked for; the first header that is there counts."""
_LONGEST_NAME: Final = 128
_NATIONAL: Final = re.compile(r"(?:1?([2-9][0-9]{9}))")
_INVALID_ORIGIN: Final = Refused(403, "Caller Origination Number is Invalid D35")
_UNVERIFIED: Final = Refused(403, "Unverified origination number D51")
_INACTIVE: Final = Refused(404, "SIP connection is inactive D18")
_NO_PROFILE: Final = Refused(403, "No outbound voice profile is assigned to the connection D38")
_PROFILE_CHANNELS: Final = Refused(403, "Outbound profile channel limit exceeded D2")
_CONNECTION_CHANNELS: Final = Refused(403, "Connection channel limit exceeded D3")

SipConnection = CredentialConnection | FqdnConnection | IpConnection
LiveCalls = Callable[[str], int]
"""How many calls a connection has, by its id."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call of the account. Numbers are +E.164; `outbound` are the connection's settings for such calls."""

    application: Application
    outbound: SipOutbound
    from_number: str
    to_number: str
    caller_name: str | None


class Admission:
    def __init__(self, account: Account, challenges: Challenges, live_calls: LiveCalls) -> None:
        self._account = account
        self._challenges = challenges
        self._live_calls = live_calls

    def admit(self, request: SipRequest, source: str) -> Admitted | Refused:
        """What becomes of an INVITE that begins a call; `source` is the address it came from."""
        connection = self._connection(request, source)
        if isinstance(connection, Refused):
            return connection
        application = view_of(connection)
        refused = self._channels(application)
        if refused is not None:
            return refused
        to_number = parse_uri(request.uri).user or ""
        if not is_e164(to_number):
            return Refused(403, f"Destination Number {_plain(to_number)} is invalid D11")
        caller = _caller(request)
        overridden = connection.outbound.ani_override if connection.outbound.ani_override_type == "always" else ""
        from_number = _e164(overridden or caller[0])
        if from_number is None:
            return _INVALID_ORIGIN
        if not self._may_show(from_number):
            return _UNVERIFIED
        refused = self._destination(application, to_number)
        if refused is not None:
            return refused
        return Admitted(application, connection.outbound, from_number, to_number, caller[1])

    def _connection(self, request: SipRequest, source: str) -> SipConnection | Refused:
        meant = request.get_header("x-telnyx-username")
        if meant is None:
            # Telnyx asks nobody for a password whose address is that of an IP connection, whoever that belongs to.
            for ip in self._account.ips:
                by_address = self._account.ip_connections.find(ip.connection_id or "")
                if ip.ip_address == source and by_address is not None:
                    return by_address if by_address.active else _INACTIVE
        given = credentials_of(request)
        if given is None:
            return self._challenges.demand()
        user = given.params.get("username", "")
        for name, password, connection in self._users():
            if name == user and meant in (None, name) and proves(given, request, password):
                if not self._challenges.is_current(given):
                    return self._challenges.demand(stale=True)
                return connection if connection.active else _INACTIVE
        return Refused(403)

    def _users(self) -> Iterator[tuple[str, str, SipConnection]]:
        account = self._account
        for connection in account.credential_connections:
            yield connection.user_name, connection.password, connection
        for connection in account.fqdn_connections:
            known = connection.authentication
            if known.user_name and known.password:
                yield known.user_name, known.password, connection
        for credential in account.telephony_credentials:
            connection = account.credential_connections.find(credential.connection_id)
            if connection is not None:
                yield credential.sip_username, credential.sip_password, connection

    def _channels(self, application: Application) -> Refused | None:
        profile = self._account.profile(application.outbound_voice_profile_id or "")
        if profile is None or not profile.enabled:
            return _NO_PROFILE
        limit = application.outbound_channel_limit
        if limit is not None and self._live_calls(application.id) >= limit:
            return _CONNECTION_CHANNELS
        if profile.concurrent_call_limit is not None:
            calls = sum(self._live_calls(each.id) for each in self._account.using_profile(profile.id))
            if calls >= profile.concurrent_call_limit:
                return _PROFILE_CHANNELS
        return None

    def _may_show(self, number: str) -> bool:
        verified = any(
            each.phone_number == number and each.verified_at is not None for each in self._account.verified_numbers
        )
        return verified or self._account.owned(number) is not None

    def _destination(self, application: Application, number: str) -> Refused | None:
        """The countries that the outbound voice profile allows; a country that is not known passes."""
        profile = self._account.profile(application.outbound_voice_profile_id or "")
        country = country_of(number)
        if profile is None or country is None or country in profile.whitelisted_destinations:
            return None
        allowed = ",".join(profile.whitelisted_destinations)
        return Refused(403, f"Dialed number {number} is not included in whitelisted countries {allowed} D13")


def _caller(request: SipRequest) -> tuple[str, str | None]:
    """The number that calls, as it was sent, and the name beside it."""
    for header in _ORIGINS:
        raw = request.get_header(header)
        if raw is not None:
            address = parse_address(raw)
            name = address.display_name
            return address.uri.user or "", None if name is None else name[:_LONGEST_NAME]
    return "", None


def _e164(number: str) -> str | None:
    """A calling number as +E.164; ten or eleven digits are a number of North America."""
    if is_e164(number):
        return number
    national = _NATIONAL.fullmatch(number)
    return None if national is None else f"+1{national[1]}"


def _plain(text: str) -> str:
    return "".join(letter for letter in text if (letter.isascii() and letter.isalnum()) or letter == "+")[:32]
