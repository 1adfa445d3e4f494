"""The other end of the trunk: what the Telnyx account has for the number, asked of Telnyx' REST API by its SDK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.carriers import telnyx_sdk

if TYPE_CHECKING:
    from telnyx import AsyncTelnyx
    from telnyx.types.fqdn_connection import FqdnConnection

_TIMEOUT_S = 10.0
_KINDS = {
    "call_control_application": "the Call Control application",
    "texml_application": "the TeXML application",
    "credential_connection": "the credential connection",
    "ip_connection": "the IP connection",
}


class TelnyxProblem(Exception):
    """Telnyx does not tell; one sentence."""


@dataclass(frozen=True, slots=True)
class TelnyxSide:
    """Where calls to the number go: ``elsewhere`` says it when that is no FQDN connection, ``connection`` is that
    connection and ``fqdns`` its hosts."""

    elsewhere: str = ""
    connection: FqdnConnection | None = None
    fqdns: tuple[str, ...] = ()


async def look(base_url: str, key: str, number: str) -> TelnyxSide:
    """Raises:
    TelnyxProblem: Telnyx cannot be reached, or refuses.
    """
    telnyx_sdk.prepare()
    import telnyx

    async with telnyx.AsyncTelnyx(api_key=key, base_url=base_url, max_retries=1, timeout=_TIMEOUT_S) as client:
        try:
            return await _look(client, number)
        except telnyx.AuthenticationError as error:
            raise TelnyxProblem("Telnyx refuses the key: correct TELNYX_API_KEY.") from error
        except telnyx.APIStatusError as error:
            raise TelnyxProblem(f"Telnyx does not tell of {number}: it answers {error.status_code}.") from error
        except telnyx.APIConnectionError as error:
            raise TelnyxProblem("Telnyx cannot be reached.") from error


async def _look(client: AsyncTelnyx, number: str) -> TelnyxSide:
    # Telnyx finds nothing where there is a + in the filter, and without it numbers that are longer too.
    found = client.phone_numbers.list(filter={"phone_number": number.removeprefix("+")})
    owned = [one async for one in found if one.phone_number == number]
    if not owned:
        return TelnyxSide(f"{number} is not a number of this Telnyx account")
    known = owned[0].connection_id
    if not known:
        return TelnyxSide(f"{number} is assigned to no connection")
    told = (await client.connections.retrieve(known)).data
    kind = told.record_type if told is not None and told.record_type else "connection"
    if kind != "fqdn_connection":
        name = told.connection_name if told is not None else known
        return TelnyxSide(f"calls to {number} go to {_KINDS.get(kind, kind)} “{name}”")
    connection = (await client.fqdn_connections.retrieve(known)).data
    hosts = [one.fqdn or "" async for one in client.fqdns.list(filter={"connection_id": known})]
    return TelnyxSide("", connection, tuple(hosts))
