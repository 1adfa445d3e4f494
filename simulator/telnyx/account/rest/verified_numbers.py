"""REST routes of verified numbers: numbers of others that the account may call from.

Source: Telnyx API reference, "Verified Numbers". Nobody receives the simulated code, so every code of 4 to 8
digits is right but one of zeros alone.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from simulator.telnyx.account.record import read_changes, uuid_id
from simulator.telnyx.account.records.numbers import VerifiedNumber
from simulator.telnyx.account.refusals import not_found
from simulator.telnyx.account.store import Account, now
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.paging import paged, read_page
from simulator.telnyx.requests.fields import Object, Text
from simulator.telnyx.router import Router, json_body

_VERIFY = Object({"verification_code": Text(limit=64)}, required=["verification_code"])


class VerifiedNumbers:
    def __init__(self, account: Account) -> None:
        self._table = account.verified_numbers

    def routes(self, router: Router) -> list[Route]:
        return [
            router.route("/verified_numbers", GET=self._list, POST=self._create),
            router.route("/verified_numbers/{phone_number}", GET=self._retrieve, DELETE=self._delete),
            router.route("/verified_numbers/{phone_number}/actions/verify", POST=self._verify),
        ]

    async def _list(self, request: Request) -> dict[str, Any]:
        verified = [number for number in reversed(list(self._table)) if number.verified_at is not None]
        answer = paged(verified, read_page(request.query_params.multi_items()))
        answer["data"] = [_shown(number) for number in answer["data"]]
        return answer

    async def _create(self, request: Request) -> dict[str, Any]:
        """Asking again sends another code."""
        changes = read_changes(VerifiedNumber, await json_body(request))
        known = self._find(changes["phone_number"])
        moment = now()
        if known is None:
            known = VerifiedNumber(id=uuid_id(), created_at=moment, updated_at=moment, **changes)
        self._table.put(msgspec.structs.replace(known, updated_at=moment, **changes))
        return {key: changes[key] for key in ("phone_number", "verification_method")}

    async def _verify(self, request: Request) -> dict[str, Any]:
        given = _VERIFY.read(await json_body(request))
        number = self._found(request)
        code = given["verification_code"]
        if not re.fullmatch(r"[0-9]{4,8}", code) or not code.strip("0"):
            raise TelnyxError(Code.BAD_REQUEST, "The verification code is wrong.", "/verification_code")
        verified = msgspec.structs.replace(number, verified_at=now())
        self._table.put(verified)
        return {"data": _shown(verified)}

    async def _retrieve(self, request: Request) -> dict[str, Any]:
        return {"data": _shown(self._found(request))}

    async def _delete(self, request: Request) -> dict[str, Any]:
        number = self._found(request)
        self._table.remove(number.id)
        return {"data": _shown(number)}

    def _found(self, request: Request) -> VerifiedNumber:
        number = self._find(request.path_params["phone_number"])
        if number is None:
            raise not_found()
        return number

    def _find(self, e164: str) -> VerifiedNumber | None:
        return next((number for number in self._table if number.phone_number == e164), None)


def _shown(number: VerifiedNumber) -> dict[str, Any]:
    return {
        "phone_number": number.phone_number,
        "record_type": "verified_number",
        "verified_at": number.verified_at,
    }
