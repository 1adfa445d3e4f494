"""Where Telnyx takes a call that goes to a SIP address, and how it writes the numbers there. Pure.

Source: Telnyx API reference, "FQDN Connections" and "IP Connections" (inbound settings and their defaults).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.telnyx.account.numbering import country_of
from simulator.telnyx.account.records.connections import FqdnConnection, IpConnection
from simulator.telnyx.account.store import Account

SipTransport = Literal["udp", "tcp"]


class NoSipTarget(Exception):
    """The connection names no address; the text says what is missing, in one sentence."""


@dataclass(frozen=True, slots=True)
class SipTarget:
    """`ani` and `dnis` are formats of the calling and the called number, in the words of Telnyx's settings.

    `first_answer_seconds` without any response, or `answer_seconds` without an answer, and the call is given up.
    """

    host: str
    port: int = 5060
    transport: SipTransport = "udp"
    ani: str = "+E.164"
    dnis: str = "+e164"
    first_answer_seconds: float = 3.0
    answer_seconds: float = 90.0

    def shown_to(self, number: str) -> str:
        """The called number, which is +E.164."""
        match self.dnis:
            case "+e164":
                return number
            case "national":
                return _national(number)
            case _:
                return number.removeprefix("+")

    def shown_from(self, number: str) -> str:
        """The calling number, which is +E.164."""
        if self.ani.endswith("-national") and country_of(number) in ("US", "CA"):
            return _national(number)
        return number if self.ani.startswith("+") else number.removeprefix("+")


def target_of(account: Account, connection: FqdnConnection | IpConnection) -> SipTarget:
    """Raises NoSipTarget."""
    inbound = connection.inbound
    if isinstance(connection, FqdnConnection):
        found = [(each.fqdn, each.port) for each in account.fqdns if each.connection_id == connection.id]
    else:
        found = [(each.ip_address, each.port) for each in account.ips if each.connection_id == connection.id]
    if not found:
        raise NoSipTarget(f"The connection {connection.id} has no address: give it an FQDN or an IP first.")
    if connection.transport_protocol == "TLS":
        raise NoSipTarget(f"The connection {connection.id} wants TLS, which the simulator does not speak.")
    host, port = found[0]
    return SipTarget(
        host=host,
        port=port or 5060,
        transport="tcp" if connection.transport_protocol == "TCP" else "udp",
        ani=inbound.ani_number_format,
        dnis=inbound.dnis_number_format,
        first_answer_seconds=inbound.timeout_1xx_secs,
        answer_seconds=inbound.timeout_2xx_secs,
    )


def _national(number: str) -> str:
    """As it is dialled within its country; of others than those of North America the code is not known."""
    return number.removeprefix("+1").removeprefix("+")
