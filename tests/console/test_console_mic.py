"""``sidetone call --mic``: a person is the caller, by a softphone that a fake sound process plays."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from console.command_line.app import app

FAKES = Path(__file__).parent / "fakes"
NUMBER = "+15550100123"
DEVICES = {"type": "devices", "backend": "sounddevice", "devices": [], "microphone": "Jabra", "speaker": "Jabra"}
NONE = {
    "type": "devices",
    "backend": "",
    "devices": [],
    "problem": "There is no microphone.",
    "fix": "Plug one in.",
}
REGISTERED = {"type": "phone", "state": "registered", "to_number": NUMBER}
RINGING = {"type": "phone", "state": "ringing", "call_control_id": "v3:x"}
DIALLING = {"type": "phone", "state": "dialling", "call_control_id": "v3:x"}


class Phone:
    """The fake sound process's side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answers(self, **answers: list[dict[str, Any]]) -> dict[str, str]:
        """The environment in which orders get these reports."""
        lines = {order: [json.dumps(one) for one in reports] for order, reports in answers.items()}
        (self.folder / "answers.json").write_text(json.dumps(lines))
        return {"FAKE_SOUND": str(self.folder), "PYTHONPATH": str(FAKES / "sound")}

    @property
    def orders(self) -> list[dict[str, Any]]:
        file = self.folder / "orders"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def kinds(self) -> list[str]:
        return [order["type"] for order in self.orders]


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(tmp_path)


async def _begin(environment: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", "call", "--mic", *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )


async def _over(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, out.decode(), err.decode()


async def test_the_agent_calls_the_person_who_hangs_up_with_ctrl_c(house: Any, phone: Phone) -> None:
    house.stream = _events("call.initiated", "call.answered")
    environment = phone.answers(devices=[DEVICES], open_phone=[REGISTERED, RINGING])
    process = await _begin(environment, "--microphone", "Jabra", "--noise", __file__, "--snr", "10", "--json")
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while b"call.answered" not in await process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        while "hang_up" not in phone.kinds:
            await asyncio.sleep(0.01)
    await house.send(*_events("call.ended", first=9))
    status, out, err = await _over(process)

    assert (status, err) == (0, "")
    assert json.loads(out)["type"] == "call.ended"
    assert "accept" in phone.kinds
    assert house.hung_up == []
    assert house.dialled[0]["to"] == NUMBER
    assert house.dialled[0]["band"] == "hd"
    opened = next(order for order in phone.orders if order["type"] == "open_phone")
    assert (opened["url"], opened["number"]) == (house.url, NUMBER)
    assert opened["order"] == {"noise": {"file": __file__, "snr_db": 10.0}}
    assert phone.orders[0]["microphone"] == "Jabra"
    assert phone.kinds[-1] == "eof"


async def test_the_person_calls_the_agent(house: Any, phone: Phone) -> None:
    house.stream = []
    environment = phone.answers(devices=[DEVICES], open_phone=[REGISTERED], dial=[DIALLING])
    process = await _begin(environment, "--inbound", "--json")
    async with asyncio.timeout(30):
        while "dial" not in phone.kinds:
            await asyncio.sleep(0.01)
    await house.send(*_events("call.initiated", "call.placed", "call.answered", "call.ended"))
    status, out, err = await _over(process)

    assert (status, err) == (0, "")
    assert [json.loads(line)["type"] for line in out.splitlines()][-1] == "call.ended"
    dialled = next(order["order"] for order in phone.orders if order["type"] == "dial")
    assert dialled == {
        "from": NUMBER, "to": "+15550100000", "texml_url": f"{house.url}/texml?band=hd", "codec": "G722",
    }  # fmt: skip
    assert house.dialled_in == []


async def test_without_a_microphone_nothing_is_dialled(house: Any, phone: Phone) -> None:
    status, _, err = await _over(await _begin(phone.answers(devices=[NONE])))

    assert (status, err) == (1, "There is no microphone. Plug one in.\n")
    assert house.dialled == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--mic", "--say", "hello"], "exclude each other"),
        (["--mic", "--bot", "python bot.py"], "sidetone phone --texml-url"),
        (["--mic", "--line", "telnyx", "+15550100123"], "simulated one"),
        (["--speaker", "Jabra"], "are for --mic"),
        (["--loop"], "--loop needs --wav"),
        (["--snr", "3"], "--snr needs --noise"),
    ],
)
def test_wrong_usage_is_status_2(capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    with pytest.raises(SystemExit) as end:
        app(["call", *arguments], prog_name="sidetone")

    assert end.value.code == 2
    assert says in " ".join(capsys.readouterr().err.split())


def _events(*kinds: str, first: int = 1) -> list[str]:
    fields: dict[str, dict[str, Any]] = {
        "call.initiated": {"direction": "outbound", "from": "+15550100000", "to": NUMBER},
        "call.placed": {"call_control_id": "v3:x"},
        "call.answered": {},
        "call.ended": {"cause": "normal_clearing", "source": "caller", "duration_ms": 1000},
    }
    common = {"at": "2026-11-21T17:04:31.123Z", "call": "c_1"}
    return [
        json.dumps(
            {"type": kind, "seq": first + place, "mono": 1_000_000 * (first + place), **common, **fields[kind]}
        )
        for place, kind in enumerate(kinds)
    ]
