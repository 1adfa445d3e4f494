"""``python -m agent.provision.livekit``: its options, and what it refuses before it asks a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.provision.livekit import objects
from agent.provision.livekit.__main__ import main
from tests.rooms.fake_sip_service import FakeSipService
from tests.rooms.setup_house import NUMBER, PASSWORD

SETTINGS = {
    "LIVEKIT_URL": "ws://127.0.0.1:1",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "a secret that is as long as it should be",
    "TELNYX_PHONE_NUMBER": NUMBER,
    "TELNYX_SIP_USERNAME": "clinic",
    "TELNYX_SIP_PASSWORD": PASSWORD,
}


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Awaitable[Done]]


@pytest.fixture
async def stand_in(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeSipService]:
    made = await FakeSipService().start()
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    await made.stop()


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in the folder of the test, as a process of its own would do it."""
    monkeypatch.chdir(tmp_path)

    async def run(*arguments: str) -> Done:
        status = await asyncio.to_thread(main, [*arguments])
        told = capsys.readouterr()
        return Done(status, told.out, told.err)

    return run


def _run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], **changed: str) -> int:
    for name, value in {**SETTINGS, **changed}.items():
        monkeypatch.setenv(name, value)
    return main([*arguments, "--env-file", str(tmp_path / "none")])


@pytest.mark.parametrize(
    ("arguments", "settings", "says"),
    [
        (("--from", "nothing.json"), {}, "nothing.json cannot be read"),
        (("--number", "5105550100"), {}, "5105550100 is no telephone number in E.164"),
        (("--address", "sip:sip.telnyx.com"), {}, "is not host or host:port"),
        ((), {"LIVEKIT_API_SECRET": ""}, "LIVEKIT_API_SECRET is not set: put it into .env."),
        ((), {"LIVEKIT_URL": "sip.telnyx.com"}, "is not an address that begins with wss://"),
        ((), {"TELNYX_PHONE_NUMBER": ""}, "There is no number: set TELNYX_PHONE_NUMBER"),
        ((), {"TELNYX_SIP_PASSWORD": ""}, "TELNYX_SIP_USERNAME and TELNYX_SIP_PASSWORD are not set"),
        (("--country", "USA"), {}, "USA is no country: give two letters, such as US."),
        (("--check",), {"LIVEKIT_URL": ""}, "LIVEKIT_URL is not set"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    settings: dict[str, str],
    says: str,
) -> None:
    assert _run(monkeypatch, tmp_path, arguments, **settings) == 1
    told = capsys.readouterr()

    assert says in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--json",), "--json cannot ask: give --yes or --dry-run."),
        (("--repair",), "--repair corrects files: give them with --from."),
        (("--remove", "--from", "x.json"), "not allowed with argument"),
        (("--from",), "expected at least one argument"),
        (("--from", "x.json", "--number", NUMBER), "--number, --address, --transport, --country and --allow go"),
    ],
)
def test_wrong_usage(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    says: str,
) -> None:
    with pytest.raises(SystemExit) as end:
        _run(monkeypatch, tmp_path, arguments)
    assert end.value.code == 2
    assert says in capsys.readouterr().err


def test_a_server_that_is_not_there_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, tmp_path, ("--check",)) == 1
    first, fix = capsys.readouterr().out.splitlines()
    assert first.split(maxsplit=2)[:2] == ["missing", "livekit"]
    assert "cannot be reached" in first
    assert fix.strip() == "Check LIVEKIT_URL, and that it runs."


async def test_for_programs(stand_in: FakeSipService, command: Command) -> None:
    done = await command("--yes", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    assert [line["done"] for line in lines] == [False] * 3 + [True] * 3
    assert [line["kind"] for line in lines[:3]] == ["inbound trunk", "dispatch rule", "outbound trunk"]
    assert {line["action"] for line in lines} == {"create"}
    assert PASSWORD not in done.stdout

    again = await command("--dry-run", "--json")
    kept = [json.loads(line) for line in again.stdout.splitlines()]
    assert [line["action"] for line in kept] == ["keep"] * 3
    assert {line["id"] for line in kept} == {*stand_in.stored}

    gone = await command("--remove", "--yes", "--json")
    assert (gone.returncode, stand_in.stored) == (0, {})


async def test_the_files_of_the_guides(stand_in: FakeSipService, command: Command) -> None:
    trunk = {"name": "Telnyx in", "numbers": [NUMBER], "krisp_enabled": True}
    rule = {"name": "in", "rule": {"dispatchRuleIndividual": {"roomPrefix": "call-"}}}
    Path("inboundTrunk.json").write_text(json.dumps({"trunk": trunk}))
    Path("dispatchRule.json").write_text(json.dumps({"dispatch_rule": rule}))
    files = ("--from", "dispatchRule.json", "inboundTrunk.json")

    told = await command(*files, "--dry-run")
    assert "calls no agent" in told.stdout
    done = await command(*files, "--repair", "--yes")
    assert (done.returncode, stand_in.writes) == (0, 2)
    again = await command(*files, "--repair", "--yes")
    assert (again.returncode, stand_in.writes) == (0, 2)


async def test_without_telnyx_password_calls_only_come_in(
    stand_in: FakeSipService, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELNYX_SIP_USERNAME", "")
    monkeypatch.setenv("TELNYX_SIP_PASSWORD", "")
    done = await command("--yes")

    assert (done.returncode, stand_in.writes) == (0, 2)
    assert "so no call can be placed" in " ".join(done.stdout.split())


async def test_an_outbound_trunk_that_was_chosen_stays_so(
    stand_in: FakeSipService, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDETONE_OUTBOUND_TRUNK", "theirs")
    await stand_in.add(objects.Outbound(name="theirs", address="sip.example.com", numbers=["+15105550199"]))
    done = await command("--yes")

    assert (done.returncode, stand_in.writes) == (0, 4)
    assert "SIDETONE_OUTBOUND_TRUNK" not in done.stdout


async def test_the_settings_log_in_for_the_guides_outbound_trunk(
    stand_in: FakeSipService, command: Command
) -> None:
    trunk = {"name": "My outbound trunk", "address": "sip.telnyx.com", "numbers": [NUMBER]}
    Path("outbound-trunk.json").write_text(json.dumps({"trunk": trunk}))
    done = await command("--from", "outbound-trunk.json", "--yes")
    (outbound,) = (await stand_in.found()).outbound

    assert (done.returncode, outbound.auth_username, outbound.auth_password) == (0, "clinic", PASSWORD)
    assert PASSWORD not in done.stdout


async def test_what_the_options_ask_for(stand_in: FakeSipService, command: Command) -> None:
    wanted = ("--address", "sip.telnyx.eu", "--transport", "tls", "--country", "de", "--agent-name", "clinic")
    numbers = ("--number", NUMBER, "--number", "+15105550199")
    done = await command("--yes", *wanted, *numbers, "--allow", "185.246.41.140", "--allow", "185.246.41.141")
    found = await stand_in.found()
    (inbound,), (rule,), (outbound,) = found.inbound, found.rules, found.outbound

    assert done.returncode == 0
    assert list(inbound.allowed_addresses) == ["185.246.41.140", "185.246.41.141"]
    assert list(inbound.numbers) == list(outbound.numbers) == [NUMBER, "+15105550199"]
    assert objects.agents(rule) == ["clinic"]
    assert (outbound.address, objects.transport_name(outbound.transport)) == ("sip.telnyx.eu", "TLS")
    assert outbound.destination_country == "DE"
    assert (await command("--dry-run", *wanted, *numbers)).stdout.count("left alone:") == 3
