"""Calls over Telnyx's media WebSocket: how each is dialled, answered, told of by webhooks, and heard."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from starlette.websockets import WebSocket

from agent import api, events
from agent.call import Call
from agent.calls import Calls
from agent.carriers import CarrierError, telnyx, texml
from agent.carriers.line_codec import wanted_format
from agent.carriers.telnyx_line import HandshakeError, TelnyxLine
from agent.events import Event
from agent.limits import Refused
from agent.settings import BANDS, Settings
from agent.stream import EventStream


class TelnyxCalls:
    """Telnyx as the carrier of ``calls``."""

    def __init__(
        self,
        settings: Settings,
        calls: Calls,
        carrier: telnyx.Telnyx,
        stream: EventStream,
        own_url: Callable[[], str],
    ) -> None:
        self._settings, self._calls = settings, calls
        self._carrier, self._stream = carrier, stream
        self._own_url = own_url
        self._seen = telnyx.SeenEvents()

    async def dial(self, request: api.DialRequest) -> Call:
        """Place a call; it returns once the carrier has taken it.

        Raises:
            Refused: the number, the settings or a limit forbid it, or the carrier refused.
        """
        settings, calls = self._settings, self._calls
        problems = settings.problems(calls.voice, "telnyx")
        if problems:
            raise Refused(problems[0], 503)
        number = await calls.check_dial(request.to)
        call = self._begin(
            Call(
                "outbound",
                request.from_ or settings.phone_number,
                number,
                dict(request.parameters),
                calls.time_limit_s(request.time_limit_s),
                wanted_format(settings, request.band, "outbound"),
            )
        )
        calls.emit(call, events.OperatorActed(who=request.who, action="dial", detail=number))
        began = time.monotonic()
        try:
            placed = await self._carrier.dial(
                telnyx.Dial(
                    to=call.to,
                    from_=call.from_,
                    connection_id=settings.connection_id,
                    stream_url=self._media_url(call),
                    webhook_url=f"{self._public_url()}/webhooks/telnyx",
                    command_id=call.id,
                    client_state=call.id,
                    media=call.media,
                    ring_s=settings.ring_s,
                    time_limit_s=call.time_limit_s,
                )
            )
        except CarrierError as error:
            calls.emit(call, events.Error(where="line", message=str(error), fix=error.fix, code=error.code))
            calls.end(call, "dial_failed", "carrier", detail=str(error))
            raise Refused(str(error), 502) from error
        call.call_control_id = placed.call_control_id
        calls.emit(
            call,
            events.CallPlaced(
                call_control_id=placed.call_control_id,
                call_leg_id=placed.call_leg_id,
                call_session_id=placed.call_session_id,
                took_ms=round((time.monotonic() - began) * 1000),
            ),
        )
        calls.watch(call, ring_s=settings.ring_s)
        if call.ended_by:
            # It was hung up before there was anything to hang up.
            await calls.drop(call)
        return call

    async def answer(self, form: Mapping[str, str], band: str = "") -> str:
        """TeXML for an incoming call whose request was checked; busy when there is no room.

        ``band`` is narrow or hd; anything else leaves it to the settings, and is told of.
        """
        calls = self._calls
        await calls.opened()
        known = next((c for c in calls if c.call_control_id == form.get("CallSid")), None)
        if known is None:
            try:
                calls.check_room()
            except Refused as refused:
                self._stream.emit(
                    events.Error(where="line", message=f"An incoming call was refused as busy: {refused}")
                )
                return texml.reject("busy")
            known = Call(
                "inbound",
                form.get("From", ""),
                form.get("To", ""),
                {},
                calls.time_limit_s(None),
                wanted_format(self._settings, band, "inbound"),
            )
            known.call_control_id = form.get("CallSid", "")
            self._begin(known)
            calls.emit(known, events.CallPlaced(call_control_id=known.call_control_id))
            if band not in ("", *BANDS):
                wrong = f"The TeXML address asks for band={band[:20]}, which is not {' or '.join(BANDS)}."
                calls.emit(known, events.Error(where="line", message=wrong, fix="SIDETONE_BAND counts instead."))
            calls.watch(known, ring_s=0)
        return texml.answer(
            self._media_url(known),
            {"sidetone_call": known.id},
            known.media,
            f"{self._public_url()}/texml/status",
        )

    def webhook(self, hook: telnyx.Webhook, age_ms: int) -> None:
        """Believe a checked webhook; duplicates and late ones change nothing."""
        calls = self._calls
        data, payload = hook.data, hook.data.payload
        call = self._of(payload.call_control_id) or calls.get(telnyx.decode_state(payload.client_state))
        again = self._seen.again(data.id)
        self._stream.emit(
            events.WebhookReceived(
                event_type=data.event_type,
                event_id=data.id,
                age_ms=age_ms,
                attempt=hook.meta.attempt,
                duplicate=again,
            ),
            call.id if call else "",
        )
        if again or call is None:
            return
        call.call_control_id = call.call_control_id or payload.call_control_id
        match data.event_type:
            case "call.initiated":
                if not call.answered:
                    calls.emit(call, events.CallRinging())
            case "call.answered":
                calls.answered(call)
            case "streaming.failed":
                calls.emit(
                    call,
                    events.Error(
                        where="media",
                        message="Telnyx could not open our media socket: "
                        f"{payload.failure_reason or 'no reason given'}.",
                        fix="Check that SIDETONE_PUBLIC_URL reaches this agent.",
                    ),
                )
                calls.spawn(calls.hang_up(call.id, "agent"))
            case "call.hangup":
                source = call.ended_by or call.other_side(payload.hangup_source)
                cause = payload.hangup_cause or "unspecified"
                calls.end(call, cause, source, sip=payload.sip_hangup_cause)
            case _:
                pass

    def texml_status(self, form: Mapping[str, str], age_ms: int) -> None:
        """A checked status callback of a TeXML call or stream."""
        call = self._of(form.get("CallSid", ""))
        kind = form.get("StreamEvent") or form.get("CallStatus") or "unknown"
        self._stream.emit(
            events.WebhookReceived(event_type=f"texml.{kind}", event_id="", age_ms=age_ms),
            call.id if call else "",
        )
        if call is not None and kind in ("completed", "busy", "no-answer", "canceled", "failed"):
            source = call.ended_by or call.other_side(form.get("HangupSource", ""))
            self._calls.end(call, form.get("HangupCause") or kind, source, sip=form.get("SipHangupCause", ""))

    async def media(self, token: str, websocket: WebSocket) -> None:
        """Talk on a media socket; the token is good for one connection."""
        calls = self._calls
        call = next((c for c in calls if c.media_token == token), None)
        if call is None or call.in_media:
            self._stream.emit(
                events.WebhookRejected(
                    route="/media", reason="the address is not one of a waiting call, or was used"
                )
            )
            await websocket.close(4403)
            return
        call.in_media = True
        await websocket.accept()
        line = TelnyxLine(websocket, lambda event: self._of_line(call, event), call.media)
        line.on_live = lambda event: self._stream.emit_live(event, call.id)
        try:
            start = await line.open()
            if call.call_control_id and start.start.call_control_id != call.call_control_id:
                raise HandshakeError("The media socket belongs to another call.")
        except HandshakeError as error:
            calls.emit(call, events.Error(where="media", message=str(error), fix="The call is hung up."))
            await line.finish()
            await calls.drop(call)
            call.in_media = False
            calls.end(call, "media_lost", "agent", detail=str(error))
            return
        call.call_control_id = call.call_control_id or start.start.call_control_id
        await calls.converse(call, line)

    async def end_orphan(self, call_control_id: str) -> None:
        """Have Telnyx end a call that an earlier run of the agent left behind.

        Raises:
            CarrierError: it may be up still.
        """
        await self._carrier.hang_up(call_control_id)

    def _begin(self, call: Call) -> Call:
        call.drop = lambda: self._drop(call)
        return self._calls.begin(call)

    async def _drop(self, call: Call) -> None:
        if call.call_control_id:
            await self._carrier.hang_up(call.call_control_id)

    def _of_line(self, call: Call, event: Event) -> Event:
        if isinstance(event, events.MediaStarted):
            # The webhook that tells of the answer may come after the media.
            self._calls.answered(call)
        return self._calls.emit(call, event)

    def _of(self, call_control_id: str) -> Call | None:
        if not call_control_id:
            return None
        return next((c for c in self._calls if c.call_control_id == call_control_id), None)

    def _public_url(self) -> str:
        return self._settings.public_url or self._own_url()

    def _media_url(self, call: Call) -> str:
        return f"{self._public_url().replace('http', 'ws', 1)}/media/{call.media_token}"
