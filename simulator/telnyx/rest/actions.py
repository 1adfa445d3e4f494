"""Call commands: `POST /v2/calls/{call_control_id}/actions/{name}`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from simulator.telnyx.calls import commands, dialling, sounds
from simulator.telnyx.calls.exchange import Exchange, ExchangeFull
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.calls.player import ENDLESS
from simulator.telnyx.calls.sounds import Source
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.requests.answer_commands import Answer, HangUp, Reject
from simulator.telnyx.requests.audio_commands import Play, SendDtmf, Speak, StopPlayback
from simulator.telnyx.requests.commands import Order
from simulator.telnyx.requests.common import Command
from simulator.telnyx.requests.gather_commands import Gather, StopGather
from simulator.telnyx.requests.other_commands import (
    Enqueue,
    LeaveQueue,
    StartFork,
    StartSiprec,
    StopFork,
    StopSiprec,
    UpdateClientState,
)
from simulator.telnyx.requests.recording import RecordOrder
from simulator.telnyx.requests.recording_commands import PauseRecording, ResumeRecording, StopRecording
from simulator.telnyx.requests.streaming_commands import StopStream
from simulator.telnyx.requests.transcription import StartTranscription, StopTranscription
from simulator.telnyx.requests.transfer_commands import Bridge, Refer, SwitchSupervisorRole, Transfer
from simulator.telnyx.requests.webhook_rules import WebhookRules
from simulator.telnyx.routing import Routing
from simulator.telnyx.webhooks.announce import ControlAnnouncer
from simulator.telnyx.webhooks.conformance import noting

_BEFORE_THE_ANSWER = frozenset(
    ("answer", "hangup", "reject", "client_state_update", "transfer", "bridge", "refer", "enqueue")
)


def perform(exchange: Exchange, leg: CallLeg, command: Command[Order]) -> dict[str, Any]:
    """Do what a checked command says; returns what goes beside `result` in the answer. Raises TelnyxError."""
    commands.check_alive(leg)
    if command.name not in _BEFORE_THE_ANSWER:
        commands.check_answered(leg)
    if command.unknown:
        leg.warn(f"Telnyx does not know these parameters of {command.name}: {', '.join(command.unknown)}.")
    if command.ignored:
        leg.warn(f"The simulator ignores these parameters of {command.name}: {', '.join(command.ignored)}.")
    more = _perform(exchange, leg, command)
    if command.client_state is not None:
        leg.set_client_state(command.client_state)
    return more


def _perform(exchange: Exchange, leg: CallLeg, command: Command[Order]) -> dict[str, Any]:
    match command.order:
        case Answer() as order:
            reroute(leg, order.webhooks)
            record = None if order.record is None else order.record.rules
            recording_id = commands.answer(leg, order.stream, record)
            if order.transcription is not None:
                leg.warn("The simulator does not transcribe calls by itself: use the AssemblyAI stand-in.")
            if recording_id is not None:
                return {"recording_id": recording_id}
        case Reject(cause):
            commands.reject(leg, cause)
        case HangUp():
            if command.client_state is not None:
                leg.set_client_state(command.client_state)
            leg.application_hangs_up()
        case Speak() as order:
            commands.speak(_targets(leg, order.target_legs), _speech(order), _loops(order.loops), order.stop)
        case Play() as order:
            commands.play(
                _targets(leg, order.target_legs),
                _sound(order),
                loops=_loops(order.loops),
                overlay=order.overlay,
                stop=order.stop,
                media_url=order.audio_url,
                media_name=order.media_name,
            )
        case StopPlayback(stop):
            commands.stop_playback(leg, stop)
        case SendDtmf(digits, duration_ms):
            commands.dtmf(leg, digits, duration_ms)
        case Gather() as order:
            commands.gather(leg, order.rules, _prompted(leg, order))
        case StopGather():
            commands.stop_gather(leg)
        case RecordOrder(rules):
            commands.start_recording(leg, rules)
        case StopRecording(recording_id):
            commands.change_recording(leg, "stop", recording_id)
        case PauseRecording(recording_id):
            commands.change_recording(leg, "pause", recording_id)
        case ResumeRecording(recording_id):
            commands.change_recording(leg, "resume", recording_id)
        case StreamOptions() as options:
            commands.start_stream(leg, options)
        case StopStream(stream_id):
            commands.stop_stream(leg, stream_id)
        case Transfer() as order:
            _transfer(exchange, leg, order)
        case Bridge() as order:
            _bridge(exchange, leg, order)
        case Refer(sip_address):
            commands.refer(leg, sip_address)
        case UpdateClientState(client_state):
            leg.set_client_state(client_state)
        case StartTranscription() | StopTranscription():
            raise TelnyxError(
                Code.FEATURE_NOT_PERMITTED,
                "The simulator does not transcribe calls itself: stream the call to speech recognition instead.",
            )
        case StopFork():
            raise TelnyxError(Code.NOT_FORKED, "The call is not currently forked.")
        case LeaveQueue():
            raise TelnyxError(Code.NOT_IN_QUEUE, "The call is in no queue.")
        case Enqueue() | StartFork() | StartSiprec() | StopSiprec() | SwitchSupervisorRole():
            raise TelnyxError(
                Code.FEATURE_NOT_PERMITTED,
                f"The simulator does not play {command.name}; queues, forks, SIPREC and supervision are left out.",
            )
        case None:
            leg.warn(f"The simulator accepted {command.name}, which has no effect here.")
    return {}


def reroute(leg: CallLeg, rules: WebhookRules) -> None:
    """A command's own webhook addresses count from now on."""
    announcer = leg.announcer
    if isinstance(announcer, ControlAnnouncer):
        announcer.routing = announcer.routing.overridden(**asdict(rules))


def _targets(leg: CallLeg, which: str) -> list[CallLeg]:
    return commands.target_legs(leg, which)


def _loops(loops: int | None) -> int:
    return ENDLESS if loops is None else loops


def _speech(order: Speak) -> Callable[[CallLeg], Source]:
    text = sounds.without_markup(order.payload) if order.is_ssml else order.payload
    return lambda leg: sounds.spoken(leg, text, order.voice)


def _sound(order: Play) -> Callable[[CallLeg], Source]:
    if order.content is not None:
        content = order.content
        return lambda leg: sounds.given(content)
    if order.audio_url is not None:
        url = order.audio_url
        return lambda leg: sounds.fetched(leg, url)
    name = order.media_name or ""
    return lambda leg: sounds.missing(name)


def _prompted(leg: CallLeg, order: Gather) -> commands.Prompted | None:
    if order.prompt is None:
        return None
    invalid = None if order.invalid is None else _source(leg, order.invalid)
    return commands.Prompted(_source(leg, order.prompt), invalid, order.tries)


def _source(leg: CallLeg, order: Speak | Play) -> Source:
    return (_speech(order) if isinstance(order, Speak) else _sound(order))(leg)


def _transfer(exchange: Exchange, leg: CallLeg, order: Transfer) -> None:
    preset = exchange.preset_at(order.to.address)
    if preset is not None and preset.refusal is not None:
        raise preset.refusal.error()
    base = leg.announcer.routing if isinstance(leg.announcer, ControlAnnouncer) else Routing()
    announcer = ControlAnnouncer(
        exchange.facilities.webhooks,
        base.overridden(**asdict(order.webhooks)),
        on_answer=noting(leg.findings),
    )
    made = dialling.Transfer(
        to=order.to.address,
        from_number=order.from_number or leg.facts.to_number,
        timeout_seconds=order.timeout_secs,
        time_limit_seconds=order.time_limit_secs,
        send_digits=order.send_digits or order.to.digits,
        client_state=order.target_leg_client_state,
        caller_name=order.from_display_name,
        custom_headers=order.custom_headers,
        sip_headers=order.sip_headers,
        park=order.park_after_unbridge,
        muted_keys=order.mute_dtmf,
        record=None if order.record is None else order.record.rules,
        amd=order.amd,
    )
    try:
        dialling.transfer(exchange, leg, made, announcer)
    except ExchangeFull as full:
        raise TelnyxError(Code.USER_CHANNEL_LIMIT, f"User channel limit exceeded D1. {full}") from None


def _bridge(exchange: Exchange, leg: CallLeg, order: Bridge) -> None:
    if order.call_control_id is None:
        raise TelnyxError(
            Code.FEATURE_NOT_PERMITTED, "The simulator bridges calls with calls only.", "/call_control_id"
        )
    other = exchange.find(order.call_control_id)
    if other is None:
        raise TelnyxError(Code.NOT_FOUND, "The call to bridge with could not be found.", "/call_control_id")
    commands.bridge(
        leg,
        other,
        park=order.park_after_unbridge,
        muted_keys=order.mute_dtmf,
        prevent_double=order.prevent_double_bridge,
    )
    if order.record is not None:
        leg.recordings.start(order.record.rules, "OutboundAPI")
