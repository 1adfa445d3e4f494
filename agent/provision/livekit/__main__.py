"""``python -m agent.provision.livekit``: what ``sidetone setup livekit`` runs, and ``sidetone doctor`` asks."""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import sys
import warnings
from functools import partial
from pathlib import Path

import msgspec
from dotenv import load_dotenv

from agent.provision.livekit import telnyx_sip, wanted
from agent.provision.livekit.checks import check
from agent.provision.livekit.corrections import corrected
from agent.provision.livekit.files import read_file
from agent.provision.livekit.finding import Finding
from agent.provision.livekit.output import JsonOutput, TextOutput
from agent.provision.livekit.plan import plan
from agent.provision.livekit.removal import removal
from agent.provision.livekit.run import run
from agent.provision.livekit.server import Server, ServerProblem
from agent.provision.livekit.steps import Found, Policy, Step
from agent.provision.livekit.telnyx_checks import check_telnyx
from agent.provision.livekit.wanted import Telephony, Wanted
from agent.settings import SettingsError

_ABOUT = (
    "Set up LiveKit's telephony for a Telnyx number: an inbound trunk, a dispatch rule that calls our agent, and "
    "an outbound trunk. It shows what it would do, and asks. Keys and passwords come from the environment or "
    ".env: LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, TELNYX_PHONE_NUMBER, TELNYX_SIP_USERNAME, "
    "TELNYX_SIP_PASSWORD."
)
_STATUS = "Exit status: 0 when all is set up, or would be; 1 when not; 2 for wrong usage."


def main(given: list[str] | None = None) -> int:
    """Returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(given)
    if arguments.repair and not arguments.files:
        parser.error("--repair corrects files: give them with --from.")
    if arguments.json and not (arguments.yes or arguments.dry_run or arguments.check):
        parser.error("--json cannot ask: give --yes or --dry-run.")
    made = (arguments.number, arguments.address, arguments.country, arguments.allow, arguments.transport != "tcp")
    if any(made) and (arguments.files or arguments.remove or arguments.check):
        parser.error(
            "--number, --address, --transport, --country and --allow go without --from, --remove, --check."
        )
    load_dotenv(arguments.env_file)
    # The secret of `livekit-server --dev` is short, and its own affair.
    warnings.filterwarnings("ignore", message="The HMAC key is")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        telephony = wanted.telephony(os.environ, arguments.agent_name)
        if arguments.check:
            return asyncio.run(_check(telephony, arguments.json))
        policy = Policy(telephony.rooms.agent_name, arguments.adopt)
        if arguments.remove:
            planner = partial(removal, policy=policy)
        else:
            left_out: list[Step] = []
            asked = (
                _from_files(arguments, telephony) if arguments.files else _usual(arguments, telephony, left_out)
            )
            planner = partial(_planned, asked, left_out, policy)
    except (SettingsError, wanted.WantedError) as error:
        print(error, file=sys.stderr)
        return 1
    output = JsonOutput() if arguments.json else TextOutput()
    return asyncio.run(run(telephony.rooms, planner, output, dry=arguments.dry_run, yes=arguments.yes))


def _planned(asked: list[Wanted], left_out: list[Step], policy: Policy, found: Found) -> list[Step]:
    return [*plan(asked, found, policy), *left_out]


def _usual(arguments: argparse.Namespace, telephony: Telephony, left_out: list[Step]) -> list[Wanted]:
    """The trunks and the rule for a Telnyx number; without Telnyx' password no outbound trunk."""
    numbers = wanted.checked_numbers(arguments.number or list(filter(None, [telephony.number])))
    agent_name = telephony.rooms.agent_name
    address = arguments.address or os.environ.get("TELNYX_SIP_ADDRESS", "").strip() or telnyx_sip.ADDRESS
    found = [wanted.inbound(numbers, arguments.allow or [], agent_name), wanted.rule(agent_name)]
    if telephony.user or telephony.password:
        country = arguments.country.upper()
        return [*found, wanted.outbound(numbers, telephony, address, arguments.transport, country)]
    reason = "TELNYX_SIP_USERNAME and TELNYX_SIP_PASSWORD are not set, so no call can be placed."
    left_out.append(Step("skip", "outbound trunk", f"to {address}", reason=reason))
    return found


def _from_files(arguments: argparse.Namespace, telephony: Telephony) -> list[Wanted]:
    name, login = telephony.rooms.agent_name, (telephony.user, telephony.password)
    return [corrected(read_file(path), name, arguments.repair, login) for path in arguments.files]


async def _check(telephony: Telephony, as_json: bool) -> int:
    try:
        async with Server(telephony.rooms) as server:
            found = await server.found()
        findings = [Finding(name="livekit", state="ok", text=f"{telephony.rooms.url} answers, with SIP")]
        findings += [*check(found, telephony), *await _check_telnyx(found, telephony)]
    except ServerProblem as problem:
        findings = [Finding(name="livekit", state="missing", text=str(problem), fix=problem.fix)]
    for finding in findings:
        if as_json:
            print(msgspec.json.encode(finding).decode())
            continue
        print(f"{finding.state:<8} {finding.name:<15} {finding.text}")
        if finding.fix:
            print(f"{'':<24} {finding.fix}")
    return 1 if any(finding.state == "missing" for finding in findings) else 0


async def _check_telnyx(found: Found, telephony: Telephony) -> list[Finding]:
    """The account's side of the trunk, where there is a key to ask for it."""
    if not telephony.telnyx.key or not telephony.number:
        return []
    from agent.provision.livekit.telnyx_account import TelnyxProblem, look

    try:
        side = await look(telephony.telnyx.url, telephony.telnyx.key, telephony.number)
    except TelnyxProblem as problem:
        return [Finding(name="telnyx trunk", state="note", text=str(problem), fix="What it has is not checked.")]
    return check_telnyx(side, found, telephony)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sidetone setup livekit", description=_ABOUT, epilog=_STATUS)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--from",
        dest="files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="set up what these JSON files ask for, as LiveKit's and Telnyx' guides have them for `lk sip`",
    )
    what.add_argument(
        "--remove", action="store_true", help="remove what this made for the agent, and nothing else"
    )
    what.add_argument("--check", action="store_true", help="change nothing; find what keeps calls from working")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and do nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--adopt", action="store_true", help="change what others made too, where it differs")
    parser.add_argument("--repair", action="store_true", help="correct what in the files would not work")
    parser.add_argument("--json", action="store_true", help="for programs: one JSON object a line")
    parser.add_argument(
        "--number", action="append", metavar="NUMBER", help="default TELNYX_PHONE_NUMBER; may be repeated"
    )
    parser.add_argument("--agent-name", default="", metavar="NAME", help="default SIDETONE_AGENT_NAME or sidetone")
    parser.add_argument(
        "--address", default="", metavar="HOST", help=f"default TELNYX_SIP_ADDRESS or {telnyx_sip.ADDRESS}"
    )
    parser.add_argument("--transport", choices=list(wanted.TRANSPORTS), default="tcp", help="default tcp")
    parser.add_argument(
        "--country", default="", metavar="CC", help="two letters: calls leave LiveKit near the people called there"
    )
    parser.add_argument(
        "--allow", action="append", metavar="ADDRESS", help="take calls from there alone; may be repeated"
    )
    parser.add_argument("--env-file", type=Path, default=Path(".env"), help="settings, default .env")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
