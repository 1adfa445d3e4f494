"""Telephony credentials: a SIP user below a connection, such as a browser telephone.

Source: Telnyx API reference, "Telephony Credentials".
"""

from __future__ import annotations

from typing import Annotated

from simulator.telnyx.account.kinds import ID, NAME, Moment
from simulator.telnyx.account.record import Resource


class TelephonyCredential(Resource, frozen=True, kw_only=True):
    record_type: str = "credential"
    connection_id: Annotated[str, ID]
    name: Annotated[str | None, NAME] = None
    tag: Annotated[str | None, NAME] = None
    expires_at: Annotated[str | None, Moment()] = None
    sip_username: str = ""
    sip_password: str = ""
