"""``sidetone listen``: a live call in the operator's ears, or in a WAV, without the screen."""

from __future__ import annotations

from console.client import AgentClient
from console.command_line import live_call
from console.command_line.attendance import attending
from console.command_line.call_link import Ears, linked
from console.command_line.command_sound import SoundChoice
from console.command_line.live_call import At
from console.command_line.output import JsonOutput, TextOutput


def listen(at: At, choice: SoundChoice, ears: Ears, as_json: bool) -> int:
    """Play the call until it is over or the operator leaves; returns the exit status."""

    async def act(client: AgentClient) -> int:
        output = JsonOutput() if as_json else TextOutput()
        async with attending(client, at.call, output) as one, linked(one, choice, ears=ears) as link:
            call, file = one.state.id, choice.speaker_file
            heard = f"The call {call} is written to {file}" if file else f"You hear the call {call}"
            one.output.detail(f"{heard}; enter or Ctrl-C ends that.")
            await one.until_over()
            await link.check()
        return 0

    return live_call.run(at, act)
