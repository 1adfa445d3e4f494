"""REST routes of telephony credentials.

Source: Telnyx API reference, "Telephony Credentials". The token is made up: no WebRTC client can sign in with it.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from simulator.telnyx.account.kinds import moment
from simulator.telnyx.account.record import shown, uuid_id
from simulator.telnyx.account.records.credentials import TelephonyCredential
from simulator.telnyx.account.refusals import no_such
from simulator.telnyx.account.rest.collection import Collection, Given
from simulator.telnyx.account.rest.filters import Filter, equals
from simulator.telnyx.account.store import Account
from simulator.telnyx.router import Router


def telephony_credentials(account: Account, router: Router) -> list[Route]:
    def settle(credential: TelephonyCredential, _before: TelephonyCredential | None) -> TelephonyCredential:
        if account.connection(credential.connection_id) is None:
            raise no_such("connection", "/connection_id")
        return credential

    def show(credential: TelephonyCredential, _given: Given) -> dict[str, Any]:
        data = shown(credential)
        del data["connection_id"], data["tag"]
        return data | {
            "resource_id": _resource(credential),
            "user_id": account.user_id,
            "expired": _is_expired(credential),
        }

    credentials = Collection(
        path="/telephony_credentials",
        record=TelephonyCredential,
        table=account.telephony_credentials,
        new_id=uuid_id,
        seed=lambda: {
            "sip_username": "gencred" + secrets.token_hex(18),
            "sip_password": secrets.token_hex(16),
        },
        filters={
            "tag": equals(lambda credential: credential.tag),
            "name": Filter(lambda credential, value: value.lower() in (credential.name or "").lower()),
            "status": equals(lambda credential: "expired" if _is_expired(credential) else "active"),
            "resource_id": equals(_resource),
            "sip_username": equals(lambda credential: credential.sip_username),
        },
        settle=settle,
        show=show,
    )

    async def create_token(request: Request) -> PlainTextResponse:
        credentials.found(request)
        return PlainTextResponse(f"{secrets.token_urlsafe(24)}.{secrets.token_urlsafe(96)}", 201)

    return [
        *credentials.routes(router),
        router.route("/telephony_credentials/{id}/token", POST=create_token),
    ]


def _resource(credential: TelephonyCredential) -> str:
    return f"connection:{credential.connection_id}"


def _is_expired(credential: TelephonyCredential) -> bool:
    end = None if credential.expires_at is None else moment(credential.expires_at)
    return end is not None and end <= datetime.now(UTC)
