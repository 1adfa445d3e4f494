"""A LiveKit server's SIP service, as far as trunks and rules go, for where none is built.

Twirp with protobuf on ``/twirp/livekit.SIP/METHOD``, answers and refusals as livekit-server v1.13.5 gives them:
grants are checked, ids given, and two objects for the same calls refused (livekit/protocol ``livekit/sip.go``,
``sip/sip.go``).
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web
from google.protobuf.message import Message
from livekit import api
from livekit.protocol.sip import (
    ListSIPDispatchRuleResponse,
    ListSIPInboundTrunkResponse,
    ListSIPOutboundTrunkResponse,
)

from agent.provision.livekit import objects
from agent.provision.livekit.objects import Inbound, Info, Outbound, Rule
from tests.rooms.setup_house import Account

_KEY = "devkey"


class _Refused(Exception):
    def __init__(self, code: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.code, self.status = code, status


class FakeSipService(Account):
    """``stored`` is what it keeps, ``writes`` how often something was asked of it that changes that. ``drops``
    are fields that it leaves out when it writes, as one that is too old for them does; with ``hides`` it shows no
    passwords."""

    def __init__(self) -> None:
        super().__init__("", _KEY, secrets.token_urlsafe(32))
        self.stored: dict[str, Info] = {}
        self.writes = 0
        self.drops: set[str] = set()
        self.hides = False
        self._ids = itertools.count(1)
        self._runner: web.AppRunner | None = None

    async def start(self) -> Self:
        application = web.Application()
        application.router.add_post("/twirp/livekit.SIP/{method}", self._twirp)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _twirp(self, request: web.Request) -> web.Response:
        try:
            self._let_in(request.headers.get("Authorization", ""))
        except Exception:
            return web.Response(status=401, text="invalid API key")
        asked, act = self._methods().get(request.match_info["method"], (None, None))
        if asked is None or act is None:
            return web.json_response({"code": "bad_route", "msg": "no handler for path"}, status=404)
        try:
            answer = act(asked.FromString(await request.read()))
        except _Refused as refused:
            return web.json_response({"code": refused.code, "msg": str(refused)}, status=refused.status)
        return web.Response(body=answer.SerializeToString(), content_type="application/protobuf")

    def _let_in(self, header: str) -> None:
        claims = api.TokenVerifier(self.key, self.secret).verify(header.removeprefix("Bearer "))
        if claims.sip is None or not claims.sip.admin:
            raise _Refused("permission_denied", "permissions denied", 403)

    def _methods(self) -> dict[str, tuple[type[Message], Callable[[Any], Message]]]:
        return {
            "ListSIPInboundTrunk": (
                api.ListSIPInboundTrunkRequest,
                lambda _asked: ListSIPInboundTrunkResponse(items=self._shown(Inbound)),
            ),
            "ListSIPOutboundTrunk": (
                api.ListSIPOutboundTrunkRequest,
                lambda _asked: ListSIPOutboundTrunkResponse(items=self._shown(Outbound)),
            ),
            "ListSIPDispatchRule": (
                api.ListSIPDispatchRuleRequest,
                lambda _asked: ListSIPDispatchRuleResponse(items=self._shown(Rule)),
            ),
            "CreateSIPInboundTrunk": (api.CreateSIPInboundTrunkRequest, lambda asked: self._create(asked.trunk)),
            "CreateSIPOutboundTrunk": (api.CreateSIPOutboundTrunkRequest, lambda asked: self._create(asked.trunk)),
            "CreateSIPDispatchRule": (
                api.CreateSIPDispatchRuleRequest,
                lambda asked: self._create(asked.dispatch_rule),
            ),
            "UpdateSIPInboundTrunk": (
                api.UpdateSIPInboundTrunkRequest,
                lambda asked: self._store(asked.sip_trunk_id, asked.replace),
            ),
            "UpdateSIPOutboundTrunk": (
                api.UpdateSIPOutboundTrunkRequest,
                lambda asked: self._store(asked.sip_trunk_id, asked.replace),
            ),
            "UpdateSIPDispatchRule": (
                api.UpdateSIPDispatchRuleRequest,
                lambda asked: self._store(asked.sip_dispatch_rule_id, asked.replace),
            ),
            "DeleteSIPTrunk": (api.DeleteSIPTrunkRequest, lambda asked: self._delete(asked.sip_trunk_id)),
            "DeleteSIPDispatchRule": (
                api.DeleteSIPDispatchRuleRequest,
                lambda asked: self._delete(asked.sip_dispatch_rule_id),
            ),
        }

    def _shown(self, kind: type[Any]) -> list[Any]:
        shown = [kind.FromString(one.SerializeToString()) for one in self.stored.values() if isinstance(one, kind)]
        for one in shown:
            if self.hides and not isinstance(one, Rule):
                one.auth_password = ""
        return shown

    def _create(self, info: Info) -> Info:
        known = f"{'SDR' if isinstance(info, Rule) else 'ST'}_{next(self._ids):012}"
        return self._store(known, info)

    def _store(self, known: str, info: Info) -> Info:
        self.writes += 1
        kept = type(info).FromString(info.SerializeToString())
        for field in self.drops & {field.name for field in kept.DESCRIPTOR.fields}:
            kept.ClearField(field)  # type: ignore[arg-type]
        if isinstance(kept, Rule):
            kept.sip_dispatch_rule_id = known
        else:
            kept.sip_trunk_id = known
        self._check(kept)
        self.stored[known] = kept
        return kept

    def _delete(self, known: str) -> Info:
        self.writes += 1
        if known not in self.stored:
            raise _Refused("not_found", "object cannot be found", 404)
        return self.stored.pop(known)

    def _check(self, info: Info) -> None:
        others = [one for known, one in self.stored.items() if known != objects.identifier(info)]
        if isinstance(info, Rule):
            if info.rule.WhichOneof("rule") is None:
                raise _Refused("invalid_argument", "missing rule")
            if any(isinstance(one, Rule) and objects.same_calls(one, info) for one in others):
                raise _Refused("invalid_argument", "Dispatch rule for the same trunk already exists")
        elif isinstance(info, Outbound):
            if not info.numbers or not info.address or info.address.startswith("sip:"):
                raise _Refused("invalid_argument", "trunk address should be a hostname or IP, not SIP URI")
        else:
            if not (info.numbers or info.auth_username or info.allowed_addresses):
                raise _Refused("invalid_argument", "for security, one of the fields must be set")
            mine = objects.numbers(info)
            if any(isinstance(one, Inbound) and mine & objects.numbers(one) for one in others):
                raise _Refused("invalid_argument", "Conflicting inbound SIP Trunks, using the same number(s)")
