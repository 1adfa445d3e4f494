"""All REST routes of the account, relative to `/v2`."""

from __future__ import annotations

from starlette.routing import Route

from simulator.telnyx.account.rest.addresses import fqdns, ips
from simulator.telnyx.account.rest.all_connections import connections
from simulator.telnyx.account.rest.applications import call_control_applications, texml_applications
from simulator.telnyx.account.rest.available import available_phone_numbers
from simulator.telnyx.account.rest.connections import (
    credential_connections,
    fqdn_authentication,
    fqdn_connections,
    ip_connections,
    registration_status,
)
from simulator.telnyx.account.rest.number_orders import number_orders
from simulator.telnyx.account.rest.phone_numbers import PhoneNumbers
from simulator.telnyx.account.rest.profiles import outbound_voice_profiles
from simulator.telnyx.account.rest.telephony_credentials import telephony_credentials
from simulator.telnyx.account.rest.user import user
from simulator.telnyx.account.rest.verified_numbers import VerifiedNumbers
from simulator.telnyx.account.store import Account
from simulator.telnyx.router import Router


def routes(router: Router, account: Account) -> list[Route]:
    """Routes over `account`; what they change is seen by calls at once."""
    credentials = credential_connections(account)
    fqdn = fqdn_connections(account)
    return [
        *texml_applications(account).routes(router),
        *call_control_applications(account).routes(router),
        *outbound_voice_profiles(account).routes(router),
        *credentials.routes(router),
        registration_status(credentials, router),
        *fqdn.routes(router),
        fqdn_authentication(account, fqdn, router),
        *ip_connections(account).routes(router),
        *fqdns(account).routes(router),
        *ips(account).routes(router),
        *telephony_credentials(account, router),
        *connections(account, router),
        *PhoneNumbers(account).routes(router),
        available_phone_numbers(account, router),
        *number_orders(account, router),
        *VerifiedNumbers(account).routes(router),
        *user(account, router),
    ]
