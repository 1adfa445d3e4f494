"""``sidetone say``, ``whisper``, ``mute`` and ``take-over``: an operator steps in without the screen."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from agent import api
from agent.events import OperatorHandedBack, OperatorMuted
from console import words
from console.client import AgentClient, AgentError
from console.command_line import live_call
from console.command_line.attendance import Attendance, attending
from console.command_line.call_link import linked
from console.command_line.command_sound import SoundChoice
from console.command_line.live_call import At
from console.command_line.output import CallOutput, JsonOutput, TextOutput
from console.sound.protocol import Speak
from console.text import clean


def tell(at: At, action: api.StepIn, text: str, as_json: bool) -> int:
    """Say ``text`` to the caller or whisper it to the agent; returns the exit status."""

    async def act(client: AgentClient) -> int:
        state = await live_call.find(client, at.call)
        await client.step_in(state.id, action, text, live_call.me())
        if as_json:
            print(msgspec.json.encode({"call": state.id, "action": action, "text": text}).decode())
        else:
            to = words.number(state.number)
            told = f"The agent says to {to}" if action == "say" else f"The agent on the line to {to} was told"
            print(clean(f"{told}: {text}"))
        return 0

    return live_call.run(at, act)


def mute(at: At, as_json: bool) -> int:
    """Silence the agent until the operator leaves; returns the exit status."""

    async def act(client: AgentClient) -> int:
        async with attending(client, at.call, _output(as_json)) as one:
            one.ends = lambda event: isinstance(event, OperatorMuted) and not event.muted
            await one.step_in("mute")
            one.output.detail(f"The agent of {one.state.id} is muted until you press enter or Ctrl-C.")
            try:
                await one.until_over()
            finally:
                await _reverse(one, "unmute")
        return 0

    return live_call.run(at, act)


def take_over(at: At, choice: SoundChoice, as_json: bool) -> int:
    """Speak to the caller until the operator leaves, or the recording that stands for the microphone is over;
    returns the exit status."""

    async def act(client: AgentClient) -> int:
        async with (
            attending(client, at.call, _output(as_json)) as one,
            linked(one, choice, microphone=True) as link,
        ):
            # Anybody may give it back, and then nobody hears the microphone any more.
            one.ends = lambda event: isinstance(event, OperatorHandedBack)
            await one.step_in("take_over")
            link.sound.link.send(Speak(call=one.state.id, to="caller"))
            file = choice.microphone_file
            speaks = f"{Path(file).name} speaks" if file else "You speak"
            one.output.detail(f"{speaks} to the caller; enter or Ctrl-C gives the call back to the agent.")
            try:
                await one.until_over()
            finally:
                await _reverse(one, "hand_back")
            await link.check()
        return 0

    return live_call.run(at, act)


async def _reverse(one: Attendance, action: api.StepIn) -> None:
    """Undo what was done, unless the call's end or somebody else did."""
    desk = one.state.desk
    theirs = desk.held_by if action == "hand_back" else desk.muted_by
    if not one.over.is_set() and theirs in ("", one.who):
        with contextlib.suppress(AgentError):
            await one.step_in(action)


def _output(as_json: bool) -> CallOutput:
    return JsonOutput() if as_json else TextOutput()
