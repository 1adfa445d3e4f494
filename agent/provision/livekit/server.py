"""A LiveKit server's SIP service: what is there, and the steps of a plan done.

By livekit-api 1.2.2 (``livekit.api.sip_service``), without its repeats: an object must not be made twice.
"""

from __future__ import annotations

import copy
import os
from types import TracebackType
from typing import Self

import aiohttp
from livekit import api

from agent.provision.livekit import objects
from agent.provision.livekit.objects import Inbound, Info, Outbound, Rule
from agent.provision.livekit.steps import Found, Step
from agent.settings import Rooms

_TIMEOUT = aiohttp.ClientTimeout(total=15)


class ServerProblem(Exception):
    """The server cannot be reached or refuses; one sentence, and ``fix`` what to do."""

    def __init__(self, text: str, fix: str) -> None:
        super().__init__(text)
        self.fix = fix


class Server:
    """To be used with ``async with``."""

    def __init__(self, rooms: Rooms) -> None:
        self._url = rooms.url
        self._api = api.LiveKitAPI(rooms.url, rooms.key, rooms.secret, timeout=_TIMEOUT, failover=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.aclose()

    async def found(self) -> Found:
        """Raises:
        ServerProblem: it does not tell.
        """
        sip = self._api.sip
        try:
            inbound, rules, outbound = (
                await sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest()),
                await sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest()),
                await sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest()),
            )
        except (TimeoutError, api.ServerError, aiohttp.ClientError) as error:
            raise self._problem(error) from error
        return Found(list(inbound.items), list(rules.items), list(outbound.items))

    async def do(self, step: Step, trunk: str) -> Info | None:
        """Create, change or delete; other steps are nothing. ``trunk`` is the inbound trunk's id for a rule that
        is bound to it. Returns the object as it is now on the server.

        Raises:
            ServerProblem: it was not done.
        """
        info = copy.deepcopy(step.info)
        if info is None or step.action not in ("create", "change", "delete"):
            return info
        if step.bound and isinstance(info, Rule):
            if not trunk:
                raise ServerProblem("The inbound trunk of the dispatch rule is not there.", "Run it once more.")
            info.trunk_ids.append(trunk)
        try:
            if step.action == "create":
                return await self._create(info)
            if step.action == "change":
                return await self._replace(info)
            await self._delete(info)
        except (TimeoutError, api.ServerError, aiohttp.ClientError) as error:
            raise self._problem(error) from error
        return None

    async def _create(self, info: Info) -> Info:
        sip = self._api.sip
        if isinstance(info, Inbound):
            return await sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=info))
        if isinstance(info, Outbound):
            return await sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=info))
        return await sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=info))

    async def _replace(self, info: Info) -> Info:
        """With a copy of the whole object: the update of single fields knows neither headers nor the room of a
        rule (livekit-protocol 1.1.29, ``SIPOutboundTrunkUpdate``, ``SIPDispatchRuleUpdate``)."""
        sip, known = self._api.sip, objects.identifier(info)
        if isinstance(info, Inbound):
            return await sip.update_inbound_trunk(known, info)
        if isinstance(info, Outbound):
            return await sip.update_outbound_trunk(known, info)
        return await sip.update_dispatch_rule(known, info)

    async def _delete(self, info: Info) -> None:
        sip, known = self._api.sip, objects.identifier(info)
        if isinstance(info, Rule):
            await sip.delete_dispatch_rule(api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=known))
        else:
            await sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=known))

    def _problem(self, error: Exception) -> ServerProblem:
        where = f"LiveKit at {self._url}"
        if isinstance(error, TimeoutError):
            return ServerProblem(f"{where} does not answer.", "Check LIVEKIT_URL, and that it runs.")
        if not isinstance(error, api.ServerError):
            cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
            # asyncio puts the address where others put the reason.
            number = 0 if cause is None else cause.errno or 0
            why = os.strerror(number) if number > 0 else str(cause or error)
            return ServerProblem(f"{where} cannot be reached: {why}.", "Check LIVEKIT_URL, and that it runs.")
        text = error.message.rstrip(".").removeprefix("twirp error unknown: ")
        if "redis required" in text:
            return ServerProblem(
                f"{where} has no SIP: {text}.",
                "Give it Redis in its configuration, and run livekit-sip beside it.",
            )
        if error.status == 401 or error.code == "unauthenticated":
            return ServerProblem(f"{where} refuses the key.", "Correct LIVEKIT_API_KEY and LIVEKIT_API_SECRET.")
        if error.status == 403 or error.code == "permission_denied":
            return ServerProblem(f"{where} does not let this key manage SIP.", "Use a key of the project's owner.")
        if error.code in ("unknown", "bad_route") and error.status in (404, 405):
            return ServerProblem(f"{where} is no LiveKit server with SIP.", "Correct LIVEKIT_URL.")
        return ServerProblem(f"{where} says: {text or error.code} ({error.status}).", "Correct what it names.")
