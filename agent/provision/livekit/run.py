"""The plan shown, agreed to and done."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence

from agent.provision.livekit import objects
from agent.provision.livekit.output import Output
from agent.provision.livekit.server import Server, ServerProblem
from agent.provision.livekit.steps import Found, Step
from agent.settings import Rooms

Planner = Callable[[Found], list[Step]]
_WRITES = ("create", "change", "delete")


async def run(rooms: Rooms, planner: Planner, output: Output, *, dry: bool, yes: bool) -> int:
    """Returns the exit status: 0 when all is as it should be, or would be; 1 when not.

    ``planner`` makes the plan of what is found; after the steps it is asked once more, and must want nothing.
    """
    output.begin(rooms.url, rooms.agent_name)
    steps: list[Step] = []
    try:
        async with Server(rooms) as server:
            steps = planner(await server.found())
            output.plan(steps)
            status = _verdict(steps, output, dry=dry, yes=yes)
            if status is not None:
                return status
            await _do(steps, server, output)
            found = await server.found()
    except ServerProblem as problem:
        if dry and not steps:
            output.plan(planner(Found()))
            output.say("This would be done on a server with nothing there.")
        output.failed(str(problem), problem.fix)
        return 1
    left = [step for step in planner(found) if step.action in (*_WRITES, "refuse")]
    if left:
        wants = "; ".join(f"{step.kind} {step.label}: {', '.join(step.details) or step.reason}" for step in left)
        output.failed(f"The server did not take everything: {wants}.", "Its version may be too old for this.")
        return 1
    _advise(found, rooms, steps, output)
    return 0


def _verdict(steps: Sequence[Step], output: Output, *, dry: bool, yes: bool) -> int | None:
    """The exit status when nothing is to be done, or may be."""
    if any(step.action == "refuse" for step in steps):
        output.failed("Nothing was changed:", "settle what is refused (!) first.")
        return 1
    if not any(step.action in _WRITES for step in steps):
        output.say("There is nothing to do.")
        return 0
    if dry:
        output.say("Nothing was changed: --dry-run.")
        return 0
    if yes:
        return None
    if not sys.stdin.isatty():
        output.failed("Nothing was changed: there is no terminal to ask at.", "Give --yes to do it.")
        return 1
    if _agreed():
        return None
    output.say("Nothing was changed.")
    return 1


def _agreed() -> bool:
    # The loop's own handler would not wake input().
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input("Do it? [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        print()
        return False
    finally:
        signal.signal(signal.SIGINT, before)


async def _do(steps: Sequence[Step], server: Server, output: Output) -> None:
    trunk = ""
    for step in steps:
        now = await server.do(step, trunk)
        if isinstance(now, objects.Inbound):
            trunk = now.sip_trunk_id
        if step.action in _WRITES:
            output.done(step, objects.label(now) if now is not None else step.label)


def _advise(found: Found, rooms: Rooms, steps: Sequence[Step], output: Output) -> None:
    """What is left for the user to do."""
    if all(step.action == "delete" for step in steps):
        return
    ours = [trunk for trunk in found.outbound if objects.made_for(trunk) == rooms.agent_name]
    chosen = [trunk for trunk in found.outbound if rooms.trunk and rooms.trunk in (trunk.sip_trunk_id, trunk.name)]
    if len(found.outbound) > 1 and ours and not chosen:
        output.say(
            f"There are other outbound trunks: put SIDETONE_OUTBOUND_TRUNK={ours[0].sip_trunk_id} into .env."
        )
    output.say("`sidetone doctor` checks it; `sidetone agent --framework livekit --rooms` takes the calls.")
