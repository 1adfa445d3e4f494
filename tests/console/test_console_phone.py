"""``sidetone phone``: the app on a screen of its own, without devices, and its command line."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from agent import events
from console.command_line.app import app
from console.environment import SIM_PHONE
from console.phone_app import PhoneApp, PhoneOrder
from console.process_state import ProcessState
from console.sound import protocol
from console.sound.protocol import Device, Devices, encode
from console.sound_desk import Telephone
from console.symbols import UNICODE
from tests.console.conftest import FakeSession

FAKES = Path(__file__).parent / "fakes"
TALKING = protocol.Phone(
    state="talking",
    call_control_id="v3:x",
    from_number=SIM_PHONE,
    to_number="+15550100000",
    codec="G722",
    rate=16_000,
)


class Opened:
    def __init__(self, app: PhoneApp, pilot: Pilot[Any], session: Any) -> None:
        self.app, self.pilot, self.session = app, pilot, session

    async def settle(self) -> None:
        for _ in range(3):
            self.app.screen.draw(everything=True)  # type: ignore[attr-defined]
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def tell(self, report: protocol.Report) -> None:
        self.session.port.tell(report)
        await self.settle()

    @property
    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    def sent(self, kind: type[protocol.Order]) -> list[Any]:
        return self.session.port.sent(kind)


Open = Callable[..., contextlib.AbstractAsyncContextManager[Opened]]


@pytest.fixture
def phone(store: Any, tmp_path: Path, bring_up: Callable[..., None]) -> Open:
    """Opens the softphone with a session that keeps what it is asked; the agent runs, or the simulator alone."""

    @contextlib.asynccontextmanager
    async def opened(
        order: PhoneOrder | None = None, *, agent: bool = True, **changes: Any
    ) -> AsyncIterator[Opened]:
        fake = FakeSession(store, tmp_path)
        made = PhoneApp(fake, UNICODE, order or PhoneOrder())
        async with made.run_test(size=(100, 30)) as pilot:
            one = Opened(made, pilot, fake)
            if agent:
                bring_up(store, **changes)
            else:
                store.process_changed(ProcessState("simulator", "up", since=store.clock()))
            await one.settle()
            yield one

    return opened


async def test_the_agent_is_called_as_soon_as_it_is_up_and_its_words_are_shown(phone: Open, store: Any) -> None:
    async with phone() as one:
        assert one.sent(protocol.Dial) == []
        await one.tell(protocol.Phone(state="registered", to_number=SIM_PHONE))
        (dial,) = one.sent(protocol.Dial)
        assert dial.order["from"] == SIM_PHONE
        assert dial.order["texml_url"].endswith("/texml?band=hd")

        store.feed(_event(events.CallInitiated(direction="inbound", from_=SIM_PHONE, to="+15550100000")))
        store.feed(_event(events.CallPlaced(call_control_id="v3:x")))
        store.feed(_event(events.TtsRequest(turn=0, text="Good morning, how can I help?")))
        await one.tell(TALKING)
        await one.tell(protocol.PhoneStats(round_trip_ms=4, buffer_ms=40, delay_ms=95))
        assert "G722 16 kHz HD" in one.text
        assert "Good morning, how can I help?" in one.text
        assert "round trip 4 ms" in one.text

        await one.press("space", "5", "x")
        assert [order.on for order in one.sent(protocol.Hold)] == [True]
        assert [order.digit for order in one.sent(protocol.Key)] == ["5"]
        assert len(one.sent(protocol.HangUp)) == 1


async def test_an_agent_that_is_not_ready_is_not_called_yet(phone: Open, store: Any, health: Any) -> None:
    async with phone(problems=["It is loading."]) as one:
        await one.tell(protocol.Phone(state="registered", to_number=SIM_PHONE))
        assert one.sent(protocol.Dial) == []
        store.feed_health(health())
        await one.settle()
        assert len(one.sent(protocol.Dial)) == 1


async def test_it_waits_to_be_called_and_rings(phone: Open) -> None:
    async with phone(PhoneOrder(waits=True)) as one:
        await one.tell(protocol.Phone(state="registered", to_number=SIM_PHONE))
        await one.tell(protocol.Phone(state="ringing", call_control_id="v3:x", from_number="+15550100000"))
        assert one.sent(protocol.Dial) == []
        assert "RINGING" in one.text
        await one.press("enter")
        assert len(one.sent(protocol.Accept)) == 1


async def test_somebody_elses_bot_needs_no_agent(phone: Open) -> None:
    url, noise = "http://127.0.0.1:7860/", {"noise": {"file": "/cafe.wav", "snr_db": 10.0}}
    order = PhoneOrder(Telephone(line=noise, target={"texml_url": url}), band="narrow")
    async with phone(order, agent=False) as one:
        assert one.sent(protocol.OpenPhone)[0].order == noise
        await one.tell(protocol.Phone(state="registered", to_number=SIM_PHONE))
        (dial,) = one.sent(protocol.Dial)
        assert (dial.order["texml_url"], dial.order["noise"]) == (url, noise["noise"])
        assert "codec" not in dial.order


async def test_devices_are_chosen_in_place_of_the_softphone_and_q_leaves(phone: Open) -> None:
    async with phone() as one:
        await one.press("S")
        assert "Desk microphone" in one.text
        assert "softphone" not in one.text
        await one.press("escape")
        assert "softphone" in one.text
        await one.press("q")
        async with asyncio.timeout(10):
            while one.session.closed is None:
                await one.pilot.pause()
        assert one.session.closed == (True, False)


def test_the_devices_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    devices = Devices(
        backend="sounddevice",
        devices=[
            Device("Jabra", "ALSA", microphone=True, speaker=True, headset=True),
            Device("HDMI", "ALSA", microphone=False, speaker=True),
        ],
        microphone="Jabra",
        speaker="HDMI",
    )
    (tmp_path / "answers.json").write_text(json.dumps({"devices": [encode(devices).decode().strip()]}))
    monkeypatch.setenv("FAKE_SOUND", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(FAKES / "sound"))
    with pytest.raises(SystemExit) as end:
        app(["phone", "--list-devices"], prog_name="sidetone")

    assert end.value.code == 0
    assert capsys.readouterr().out.splitlines() == [
        "Jabra  (microphone, speaker, ALSA, used as microphone, headset)",
        "HDMI  (speaker, ALSA, used)",
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ([], 1, "use `sidetone call --mic`"),
        (["--json"], 2, "--json is for --list-devices"),
        (["--stream-url", "http://x"], 2, "ws://"),
        (["--wait", "+15550100123"], 2, "--wait calls nobody"),
        (["--texml-url", "http://x", "--stream-url", "ws://x"], 2, "exclude each other"),
        (["--snr", "3"], 2, "--snr needs --noise"),
    ],
)
def test_what_it_cannot_do_is_said(
    capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, says: str
) -> None:
    with pytest.raises(SystemExit) as end:
        app(["phone", *arguments], prog_name="sidetone")

    assert end.value.code == status
    assert says in " ".join(capsys.readouterr().err.split())


_seq = iter(range(1, 1_000))


def _event(event: events.Event) -> events.Event:
    event.seq = next(_seq)
    event.mono, event.at, event.call = event.seq * 1_000_000, "2026-11-21T17:04:31.123Z", "c_1"
    return event
