"""The console's end of the sound process, against one that speaks the protocol and dies when it is told to."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from console.preferences import Preferences
from console.sound.protocol import (
    Configure,
    Devices,
    HangUp,
    Key,
    Level,
    ListDevices,
    Listen,
    Ready,
    Report,
    Trouble,
)
from console.sound_link import SoundError, SoundLink
from console.sound_settings import configure

FAKE = (sys.executable, str(Path(__file__).parent / "fakes" / "fake_sound.py"))
LISTEN = Listen(url="http://127.0.0.1:1", token="secret", call="c_1", who="ada")


@dataclass
class Linked:
    link: SoundLink
    folder: Path
    told: list[Report] = field(default_factory=list)
    restarts: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, report: Report) -> None:
        self.told.append(report)
        self.changed.set()

    async def hears(self, kind: type[Report], count: int = 1) -> list[Any]:
        async with asyncio.timeout(10):
            while len(found := [one for one in self.told if isinstance(one, kind)]) < count:
                self.changed.clear()
                await self.changed.wait()
        return found

    @property
    def orders(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "orders").read_text().splitlines()]

    @property
    def kinds(self) -> list[str]:
        return [order["type"] for order in self.orders]


Link = Callable[..., Linked]


@pytest.fixture
async def linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Link]:
    """A link to the fake, which answers orders with the lines given by their type."""
    made: list[Linked] = []

    def link(command: tuple[str, ...] = FAKE, **answers: list[str]) -> Linked:
        (tmp_path / "answers.json").write_text(json.dumps(answers))
        monkeypatch.setenv("FAKE_SOUND", str(tmp_path))
        one = Linked(None, tmp_path)  # type: ignore[arg-type]

        def restarted() -> None:
            one.restarts += 1
            one.link.send(LISTEN)

        one.link = SoundLink(one.tell, Configure(microphone="usb"), tmp_path, restarted, command)
        made.append(one)
        return one

    yield link
    for one in made:
        await one.link.close()


async def test_the_first_order_starts_the_process_which_is_configured_first(linked: Link) -> None:
    one = linked(key=['{"type":"level","microphone":-20}'])
    assert not one.link.running

    one.link.send(Key(digit="5"))

    assert (await one.hears(Level))[0].microphone == -20
    assert one.orders == [
        {"type": "configure", "microphone": "usb"} | one.orders[0],
        {"type": "key", "digit": "5"},
    ]
    assert await one.hears(Ready)


async def test_closing_ends_it_by_the_end_of_its_input(linked: Link) -> None:
    one = linked()
    one.link.send(HangUp())
    await one.hears(Ready)

    await one.link.close()

    assert one.kinds[-1] == "eof"
    assert not one.link.running
    assert not [report for report in one.told if isinstance(report, Trouble)]
    one.link.send(HangUp())
    assert not one.link.running


async def test_a_process_that_does_not_end_is_terminated(linked: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.sound_link._STOP_S", 0.05)
    one = linked(hang_up=["!wait"])
    one.link.send(HangUp())
    await one.hears(Ready)

    await one.link.close()

    assert not one.link.running
    assert "eof" not in one.kinds


async def test_its_death_is_told_and_the_next_order_starts_it_with_what_was_open(linked: Link) -> None:
    one = linked(hang_up=["!die"])
    one.link.send(HangUp())

    (trouble,) = await one.hears(Trouble)
    assert trouble.message == "The sound process ended with status 3. ALSA lib: the card is on fire"
    assert str(one.folder / "sound.out") in trouble.fix
    assert "on fire" in (one.folder / "sound.out").read_text()
    assert (one.folder / "sound.out").stat().st_mode & 0o777 == 0o600
    assert not one.link.running

    (one.folder / "orders").unlink()
    one.link.send(Configure(microphone="jack"))
    one.link.send(Key(digit="1"))
    await one.hears(Ready, 2)
    await one.link.close()
    assert one.kinds == ["configure", "listen", "key", "eof"]
    assert one.orders[0]["microphone"] == "jack"
    assert one.restarts == 1


async def test_what_is_no_report_is_told_and_the_next_one_read(
    linked: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.sound_link._MAX_LINE", 4096)
    one = linked(hang_up=['{"type":"nonsense"}', "\\xff", "x" * 5000, '{"type":"level"}'])
    one.link.send(HangUp())

    await one.hears(Level)

    troubles = [report.message for report in one.told if isinstance(report, Trouble)]
    assert "nonsense" in troubles[0]
    assert any("4096 bytes" in message for message in troubles)
    assert one.link.running


async def test_a_question_gets_its_answer_or_says_why_not(linked: Link) -> None:
    one = linked(devices=['{"type":"devices","backend":"none","devices":[],"problem":"none"}'], hang_up=["!die"])

    assert (await one.link.ask(ListDevices(), Devices)).problem == "none"
    with pytest.raises(SoundError, match="status 3"):
        await one.link.ask(HangUp(), Devices)
    with pytest.raises(SoundError, match="did not answer"):
        await one.link.ask(Key(digit="1"), Devices, within_s=0.01)


async def test_a_process_that_cannot_be_started_is_told(linked: Link) -> None:
    one = linked(command=("/nowhere/python",))
    one.link.send(HangUp())

    assert "cannot be started" in (await one.hears(Trouble))[0].message


async def test_one_that_reads_no_more_is_ended(linked: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.sound_link._MAX_UNREAD", 1000)
    one = linked(hang_up=["!wait"])
    one.link.send(HangUp())
    await one.hears(Ready)
    for _ in range(5_000):
        if not one.link.running:
            break
        one.link.send(Key(digit="1"))

    assert "SIGKILL" in (await one.hears(Trouble))[0].message


async def test_no_key_of_a_vendor_reaches_the_process(linked: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASSEMBLYAI_API_KEY", "TELNYX_API_KEY", "SIDETONE_TOKEN", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "never")
    monkeypatch.setenv("PULSE_SERVER", "unix:/x")
    one = linked()
    one.link.send(HangUp())
    await one.hears(Ready)

    given = json.loads((one.folder / "environment.json").read_text())
    assert "never" not in given.values()
    assert given["PULSE_SERVER"] == "unix:/x"


def test_the_settings_count_more_than_what_was_chosen(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path / "console.json")
    preferences.choose_device("microphone", "Blue Yeti")
    preferences.choose_device("speaker", "HDMI")
    found = configure(
        {"SIDETONE_SPEAKER": "Jabra", "SIDETONE_HEADSET": "yes"}, Preferences(tmp_path / "console.json")
    )

    assert found == Configure(microphone="Blue Yeti", speaker="Jabra", headset=True)
    assert configure({"SIDETONE_SOUND": "none", "SIDETONE_ECHO": "OFF"}, preferences).echo == "off"


@pytest.mark.parametrize("name", ["SIDETONE_SOUND", "SIDETONE_ECHO", "SIDETONE_HEADSET"])
def test_a_setting_that_cannot_be_is_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=name):
        configure({name: "maybe"}, Preferences(tmp_path / "console.json"))
