"""REST routes of the FQDNs and IPs of connections.

Source: Telnyx API reference, "FQDNs" and "IPs": without a port the record type must be `srv`, with one it must
be `a`, and `a` without a port means 5060.
"""

from __future__ import annotations

import msgspec

from simulator.telnyx.account.record import uuid_id
from simulator.telnyx.account.records.connections import Fqdn, Ip
from simulator.telnyx.account.refusals import invalid, no_such, taken
from simulator.telnyx.account.rest.collection import Collection
from simulator.telnyx.account.rest.filters import equals
from simulator.telnyx.account.store import Account, same


def fqdns(account: Account) -> Collection[Fqdn]:
    def settle(fqdn: Fqdn, before: Fqdn | None) -> Fqdn:
        if account.fqdn_connections.find(fqdn.connection_id) is None:
            raise no_such("FQDN connection", "/connection_id")
        kept = _with_port(fqdn, before)
        for other in account.fqdns:
            if _address(other) == _address(kept) and not same(other, kept):
                raise taken("The FQDN has already been added to this connection.", "/fqdn")
        return kept

    return Collection(
        path="/fqdns",
        record=Fqdn,
        table=account.fqdns,
        filters={
            "connection_id": equals(lambda fqdn: fqdn.connection_id),
            "fqdn": equals(lambda fqdn: fqdn.fqdn),
            "port": equals(lambda fqdn: fqdn.port),
            "dns_record_type": equals(lambda fqdn: fqdn.dns_record_type),
        },
        settle=settle,
    )


def ips(account: Account) -> Collection[Ip]:
    def settle(ip: Ip, _before: Ip | None) -> Ip:
        if ip.connection_id is not None and account.ip_connections.find(ip.connection_id) is None:
            raise no_such("IP connection", "/connection_id")
        for other in account.ips:
            if (other.connection_id, other.ip_address, other.port) == (ip.connection_id, ip.ip_address, ip.port):
                if same(other, ip):
                    continue
                raise taken("The IP address and port have already been added to this connection.", "/ip_address")
        return ip

    return Collection(
        path="/ips",
        record=Ip,
        table=account.ips,
        update_requires=("ip_address",),
        new_id=uuid_id,
        filters={
            "connection_id": equals(lambda ip: ip.connection_id),
            "ip_address": equals(lambda ip: ip.ip_address),
            "port": equals(lambda ip: ip.port),
        },
        settle=settle,
    )


def _with_port(fqdn: Fqdn, before: Fqdn | None) -> Fqdn:
    if fqdn.dns_record_type == "a":
        return fqdn if fqdn.port is not None else msgspec.structs.replace(fqdn, port=5060)
    if fqdn.port is None:
        return fqdn
    if before is not None and before.dns_record_type == "a" and before.port == fqdn.port:
        return msgspec.structs.replace(fqdn, port=None)
    raise invalid("An FQDN with a port must have the dns_record_type a.", "/dns_record_type")


def _address(fqdn: Fqdn) -> tuple[str, str, str, int | None]:
    return fqdn.connection_id, fqdn.fqdn.lower(), fqdn.dns_record_type, fqdn.port
