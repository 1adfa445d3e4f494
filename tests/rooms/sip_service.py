"""The SIP service of a LiveKit server without livekit-sip: a server in front of the real one, which it passes
everything to but what is asked of SIP. Its telephone is a participant of the kind that livekit-sip would bring."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from livekit import api
from livekit.protocol import sip

from tests.rooms.participants import SimulatedSip
from tests.rooms.servers import LiveKitServer

_STATUS = {"resource_exhausted": 429, "permission_denied": 403, "not_found": 404, "failed_precondition": 412}
_HOP = {"host", "content-length", "transfer-encoding", "connection", "upgrade"}


class SipService:
    """``answers`` decides what becomes of a call: None for an answer, a SIP status and reason, or a Twirp code.

    ``taken`` holds a request to dial back until it is set, ``ringing`` the telephone.
    """

    def __init__(self, server: LiveKitServer) -> None:
        self.server = server
        self.trunks = [
            sip.SIPOutboundTrunkInfo(sip_trunk_id="ST_out", name="Telnyx out", numbers=["+15550100000"])
        ]
        self.answers: tuple[int, str] | str | None = None
        self.asked: list[api.CreateSIPParticipantRequest] = []
        self.phones: list[SimulatedSip] = []
        self.taken, self.ringing = asyncio.Event(), asyncio.Event()
        self.taken.set()
        self.ringing.set()
        self.hangs_up = False
        """Whether who answers puts the receiver down before anybody knows."""
        self.url = ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[SipService]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        runner = web.AppRunner(app, shutdown_timeout=1)
        async with aiohttp.ClientSession() as self._session:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
            try:
                yield self
            finally:
                for phone in self.phones:
                    await phone.leave()
                await runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/twirp/livekit.SIP/ListSIPOutboundTrunk":
                return _message(sip.ListSIPOutboundTrunkResponse(items=self.trunks))
            case "/twirp/livekit.SIP/CreateSIPParticipant":
                wanted = api.CreateSIPParticipantRequest.FromString(await request.read())
                self.asked.append(wanted)
                await self.taken.wait()
                return await self._dial(wanted)
            case _:
                return await self._pass(request)

    async def _dial(self, wanted: api.CreateSIPParticipantRequest) -> web.Response:
        phone = SimulatedSip(
            self.server,
            wanted.room_name,
            identity=wanted.participant_identity,
            number=wanted.sip_call_to,
            outgoing=True,
        )
        self.phones.append(phone)
        await phone.join()
        ringing = asyncio.create_task(self.ringing.wait())
        gone = asyncio.create_task(phone.until(lambda: phone.reason))
        await asyncio.wait({ringing, gone}, timeout=wanted.ringing_timeout.seconds, return_when="FIRST_COMPLETED")
        gone.cancel()
        if phone.reason or not ringing.done():
            ringing.cancel()
            await phone.leave()
            return _refused("canceled", "context canceled", {})
        if self.answers is None:
            await phone.answer()
            if self.hangs_up:
                await phone.hang_up()
            return _message(
                api.SIPParticipantInfo(
                    participant_identity=wanted.participant_identity,
                    room_name=wanted.room_name,
                    sip_call_id="SCL_1",
                )
            )
        await phone.leave()
        if isinstance(self.answers, str):
            return _refused(self.answers, "no trunk of that kind", {})
        status, reason = self.answers
        code = {486: "resource_exhausted", 404: "not_found", 403: "permission_denied"}.get(
            status, "failed_precondition"
        )
        text = f"twirp error unknown: INVITE failed: sip status: {status}: {reason}"
        return _refused(code, text, {"sip_status_code": str(status), "sip_status": reason})

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        address = f"{self.server.url.replace('ws', 'http', 1)}{request.raw_path}"
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._pass_on(request, address, headers)
        async with self._session.request(
            request.method, address, data=await request.read(), headers=headers
        ) as answer:
            kind = {"Content-Type": answer.headers.get("Content-Type", "")}
            return web.Response(body=await answer.read(), status=answer.status, headers=kind)

    async def _pass_on(self, request: web.Request, address: str, headers: dict[str, str]) -> web.StreamResponse:
        ours = {name: value for name, value in headers.items() if not name.lower().startswith("sec-websocket")}
        try:
            there = await self._session.ws_connect(address, headers=ours, max_msg_size=0)
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status)
        here = web.WebSocketResponse(max_msg_size=0)
        await here.prepare(request)
        both = {asyncio.create_task(_pour(here, there)), asyncio.create_task(_pour(there, here))}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        await there.close()
        await here.close()
        return here


_Socket = aiohttp.ClientWebSocketResponse | web.WebSocketResponse


async def _pour(source: _Socket, target: _Socket) -> None:
    async for message in source:
        if message.type == aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
        elif message.type == aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)


def _message(body: api.SIPParticipantInfo | sip.ListSIPOutboundTrunkResponse) -> web.Response:
    return web.Response(body=body.SerializeToString(), content_type="application/protobuf")


def _refused(code: str, text: str, meta: dict[str, str]) -> web.Response:
    body = json.dumps({"code": code, "msg": text, "meta": meta})
    return web.Response(text=body, status=_STATUS.get(code, 408), content_type="application/json")
