"""Who the account is and what it has left.

Source: Telnyx API reference, "Retrieve user balance details"; `/whoami` is not in it, its organization_id is the
account SID of TeXML.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from simulator.telnyx.account.store import Account
from simulator.telnyx.router import Router


def user(account: Account, router: Router) -> list[Route]:
    async def whoami(_request: Request) -> dict[str, Any]:
        return {
            "data": {
                "record_type": "whoami",
                "user_id": account.user_id,
                "organization_id": account.organization_id,
                "user_email": "developer@example.com",
            }
        }

    async def balance(_request: Request) -> dict[str, Any]:
        return {
            "data": {
                "record_type": "balance",
                "balance": f"{account.balance:.2f}",
                "credit_limit": f"{account.credit_limit:.2f}",
                "available_credit": f"{account.balance + account.credit_limit:.2f}",
                "pending": "0.00",
                "currency": "USD",
            }
        }

    return [router.route("/whoami", GET=whoami), router.route("/balance", GET=balance)]
