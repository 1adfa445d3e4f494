from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from console.sound import hardware as hardware_module
from console.sound import lanes
from console.sound.clock import RATE
from console.sound.devices import Fill, Found, Heard, NoSound, Stream
from console.sound.portaudio import _Stream
from console.sound.protocol import Backend, Configure, DeviceChanged, Devices, Level, Meter, Report, Trouble
from console.sound.silent import Silent
from console.sound_link import SoundLink
from tests.sound.pulse import MICROPHONE, SPEAKER, Pulse, need_backend
from tests.sound.ticking import Ticking, chirp, likeness, ticking

BOTH = pytest.mark.parametrize("backend", ["sounddevice", "miniaudio"])
UP, DOWN = chirp(300, 3000), chirp(2500, 400)


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware_module, "_LOOK_S", 0.2)
    monkeypatch.setattr(lanes, "_START_S", 0.5)


async def opened(one: Ticking, backend: Backend, microphone: str = MICROPHONE, speaker: str = SPEAKER) -> Devices:
    need_backend(backend)
    await one.hardware.configure(Configure(backend=backend, microphone=microphone, speaker=speaker))
    one.hardware.want(microphone=True, speaker=True)
    devices = await one.report(Devices)
    await one.changed("microphone", "open")
    await one.changed("speaker", "open")
    return devices


async def carries_both_ways(one: Ticking, pulse: Pulse) -> None:
    """What is said comes out of the speaker and what is spoken is heard: the same, as loud, with no hole and not
    clipped. A busy machine may starve a device or the sound server: then it is tried again."""
    for _ in range(8):
        from_here = len(one.sound())
        async with pulse.hearing() as played:
            one.say(UP)
            await pulse.speak(DOWN)
            await one.said()
        left, right, heard = played.samples[:, 0], played.samples[:, 1], one.sound()[from_here:]
        results = [likeness(left, UP), likeness(right, UP), likeness(heard, DOWN)]
        peaks = [int(np.abs(sound.astype(int)).max()) for sound in (left, right, heard)]
        if all(alike > 0.97 and abs(level) < 1 for alike, level in results):
            assert max(peaks) < 14_000
            return
    pytest.fail(f"eight times something was lost: {results}, peaks {peaks}, {one.hardware.counters()}")


@BOTH
async def test_what_is_said_comes_out_and_what_is_spoken_is_heard(
    pulse: Pulse, backend: Backend, tmp_path: Path
) -> None:
    async with ticking() as one:
        devices = await opened(one, backend)

        await carries_both_ways(one, pulse)

        assert devices.backend == backend
        assert devices.problem == ""
        assert (devices.microphone, devices.speaker) == (MICROPHONE, SPEAKER)
        assert {
            (device.name, device.microphone, device.speaker, device.default_microphone, device.default_speaker)
            for device in devices.devices
        } == {
            (MICROPHONE, True, False, True, False),
            (SPEAKER, False, True, False, True),
            ("Feed", False, True, False, False),
        }
        assert one.hardware.speaker_delay_ms < 200
        assert one.hardware.microphone_delay_ms < 200
        assert one.hardware.counters().microphone_ms > 0

        # A file of another rate, as a caller's recording is.
        file, from_here = tmp_path / "caller.wav", len(one.sound())
        soundfile.write(file, DOWN[::6], 8000)
        await pulse.speak(file)
        await one.said()
        assert likeness(one.sound()[from_here:], DOWN)[0] > 0.9


@BOTH
async def test_devices_of_another_rate_sound_the_same(pulse: Pulse, backend: Backend) -> None:
    await pulse.plug(SPEAKER, rate=44_100)
    await pulse.plug(MICROPHONE, rate=8_000)
    async with ticking() as one:
        await opened(one, backend)

        await carries_both_ways(one, pulse)


async def test_a_device_that_refuses_48_khz_is_opened_at_its_own_rate(
    pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_backend("sounddevice")
    import sounddevice

    rates: list[int] = []

    def refusing(kind: Any) -> Any:
        def make(samplerate: int, **settings: Any) -> Any:
            if samplerate == RATE:
                raise sounddevice.PortAudioError("Invalid sample rate", -9997)
            rates.append(samplerate)
            return kind(samplerate=samplerate, **settings)

        return make

    for name in ("InputStream", "OutputStream"):
        monkeypatch.setattr(sounddevice, name, refusing(getattr(sounddevice, name)))
    async with ticking() as one:
        await opened(one, "sounddevice")

        await carries_both_ways(one, pulse)

        assert rates == [44_100, 44_100]


@BOTH
async def test_a_device_that_is_unplugged_is_told_of_replaced_and_taken_again(
    pulse: Pulse, backend: Backend
) -> None:
    async with ticking() as one:
        await opened(one, backend)

        await pulse.unplug(MICROPHONE)
        lost = await one.changed("microphone", "lost")
        assert "VirtualMic is gone: the call goes on in silence." in lost.message
        ticks = len(one.heard)
        await one.said(0.2)
        assert len(one.heard) > ticks
        assert not one.heard[-1].any()

        await pulse.unplug(SPEAKER)
        lost = await one.changed("speaker", "lost")
        # The feed of the microphone is gone too, so there is no other speaker.
        assert "VirtualSpeaker is gone: the call goes on in silence." in lost.message
        assert "no microphone and no speaker" in (await one.hardware.list()).problem

        await pulse.plug(MICROPHONE)
        # The feed is a speaker, too, and is used until the right one is there.
        await pulse.plug(SPEAKER)
        assert "VirtualMic is back" in (await one.changed("microphone", "back")).message
        await one.changed("speaker", "back")

        await carries_both_ways(one, pulse)


@BOTH
async def test_a_suspended_device_falls_silent_and_is_heard_again(pulse: Pulse, backend: Backend) -> None:
    async with ticking() as one:
        await opened(one, backend)

        await pulse.suspend(SPEAKER)
        await pulse.suspend(MICROPHONE)
        assert "suspended" in (await one.changed("speaker", "silent")).message
        await pulse.resume(SPEAKER)
        await pulse.resume(MICROPHONE)
        await one.changed("speaker", "back")

        await carries_both_ways(one, pulse)


async def test_a_sound_server_that_dies_is_survived(pulse: Pulse) -> None:
    async with ticking() as one:
        await opened(one, "miniaudio")

        await pulse.kill()
        await one.changed("speaker", "lost")
        assert (await one.hardware.list()).devices == []
        await pulse.start()
        await one.changed("microphone", "back")
        await one.changed("speaker", "back")

        await carries_both_ways(one, pulse)


async def test_portaudio_survives_it_too_if_need_be_in_another_process(pulse: Pulse, tmp_path: Path) -> None:
    """Where PortAudio hangs then, the sound process ends itself, and the console's next order starts another."""
    reports: asyncio.Queue[Report] = asyncio.Queue()
    configure = Configure(backend="sounddevice", microphone=MICROPHONE, speaker=SPEAKER)
    link = SoundLink(reports.put_nowait, configure, tmp_path)
    link.send(Meter(on=True))

    async def until(is_it: Callable[[Report], bool]) -> None:
        async with asyncio.timeout(40):
            while not is_it(report := await reports.get()):
                if isinstance(report, Trouble):
                    link.send(Meter(on=True))

    try:
        await until(lambda one: isinstance(one, DeviceChanged) and one.state == "open")
        await pulse.kill()
        await until(
            lambda one: isinstance(one, Trouble) or (isinstance(one, DeviceChanged) and one.state == "lost")
        )
        await pulse.start()
        await until(lambda one: isinstance(one, DeviceChanged) and one.state in ("open", "back"))
        speaking = asyncio.create_task(pulse.speak(UP))
        await until(lambda one: isinstance(one, Level) and one.microphone > -30)
        await speaking
    finally:
        await link.close()


async def test_a_device_that_does_not_close_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """As PortAudio's over ALSA sometimes does when its sound server has died."""
    never, ended = threading.Event(), asyncio.Event()
    monkeypatch.setattr("console.sound.portaudio._CLOSE_S", 0.01)
    monkeypatch.setattr("console.sound.hardware.end_process", ended.set)
    stuck = _Stream(SimpleNamespace(latency=0.02, active=True, close=never.wait), RATE)
    found = [Found("microphone", "m", "Mic", "fake", default=True)]

    class Held(Silent):
        def look(self) -> list[Found]:
            return found

        def open_microphone(self, found: Found, ready: Callable[[int], Heard]) -> Stream:
            ready(RATE)
            return stuck

    monkeypatch.setattr("console.sound.hardware._BACKENDS", {"": (Held,)})
    async with ticking() as one:
        one.hardware.want(microphone=True, speaker=False)
        await one.changed("microphone", "open")
        one.hardware.want(microphone=False, speaker=False)

        trouble = await one.report(Trouble)
        await asyncio.wait_for(ended.wait(), 10)
    never.set()
    assert "Sound starts anew" in trouble.message


async def test_a_device_that_goes_while_the_devices_are_looked_at_is_told_of_as_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = SimpleNamespace(rate=RATE, latency_ms=20, alive=True, close=lambda: None)
    found = [Found("speaker", "s", "Speaker", "fake", default=True)]
    going = threading.Event()

    class Going(Silent):
        def look(self) -> list[Found]:
            before = list(found)
            if going.is_set():
                stream.alive = False
                found.clear()
            return before

        def open_speaker(self, found: Found, ready: Callable[[int], Fill]) -> Stream:
            ready(RATE)
            if not stream.alive:
                raise NoSound("Speaker cannot be opened.")
            return stream

    monkeypatch.setattr("console.sound.hardware._BACKENDS", {"": (Going,)})
    async with ticking() as one:
        one.hardware.want(microphone=False, speaker=True)
        await one.changed("speaker", "open")
        going.set()

        assert "Speaker is gone" in (await one.changed("speaker", "lost")).message
        assert not [report for report in one.reports if isinstance(report, DeviceChanged)]


async def test_the_systems_choice_is_followed(pulse: Pulse) -> None:
    async with ticking() as one:
        await opened(one, "sounddevice", "", "")

        await pulse.pactl("set-default-sink", "vmic_in")
        changed = await one.changed("speaker", "open")
        assert (changed.name, changed.message) == ("Feed", "The system's speaker is now Feed.")
        # Its first playing may be lost while the sound server wakes the sink.
        for _ in range(8):
            from_here = len(one.sound())
            one.say(UP)
            await one.said()
            if likeness(one.sound()[from_here:], UP)[0] > 0.9:
                break
        else:
            pytest.fail("what is said never came out of the speaker that the system chose")
        await pulse.pactl("set-default-sink", "vspk")
        assert (await one.changed("speaker", "open")).name == SPEAKER


async def test_devices_are_open_only_while_they_are_wanted_and_may_be_changed_meanwhile(pulse: Pulse) -> None:
    async with ticking() as one:
        await opened(one, "sounddevice", "", "virtualspeaker")

        await one.hardware.configure(Configure(backend="miniaudio", speaker="feed"))
        assert (await one.report(Devices)).backend == "miniaudio"
        assert (await one.changed("speaker", "open")).name == "Feed"
        one.hardware.want(microphone=True, speaker=False)
        assert (await one.changed("speaker", "closed")).name == SPEAKER
        assert (await one.changed("speaker", "closed")).name == "Feed"
        one.hardware.want(microphone=False, speaker=False)
        await one.changed("microphone", "closed")

        assert await pulse.pactl("list", "short", "sink-inputs") == ""
        assert "Sidetone" not in await pulse.pactl("list", "source-outputs")


async def test_a_name_that_no_device_has_is_told_with_those_that_there_are(pulse: Pulse) -> None:
    async with ticking() as one:
        devices = await opened(one, "sounddevice", "Blue Yeti", "v")

        assert devices.problem == (
            "No microphone is called “Blue Yeti”. There is VirtualMic. VirtualMic is used instead."
        )
        assert (devices.microphone, devices.speaker) == (MICROPHONE, SPEAKER)


@BOTH
async def test_where_there_is_no_device_the_call_goes_on_in_silence(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    need_backend(backend)
    for name in ("PULSE_SERVER", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH"):
        monkeypatch.setenv(name, f"{tmp_path}/nobody")
    async with ticking() as one:
        await one.hardware.configure(Configure(backend=backend))
        one.hardware.want(microphone=True, speaker=True)

        missing = await one.changed("speaker", "missing")

        assert missing.message == "This machine has no microphone and no speaker."
        assert missing.fix.startswith("Plug one in")
        one.say(UP)
        await one.said()
        assert not one.sound().any()
        devices = await one.hardware.list()
        assert (devices.devices, devices.problem) == ([], missing.message)
        assert sum(1 for report in one.reports if getattr(report, "state", "") == "missing") == 1, "each told once"


async def test_without_portaudio_miniaudio_is_used_and_without_both_the_line_that_installs_it_is_told(
    pulse: Pulse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    need_backend("miniaudio")
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.syspath_prepend(tmp_path)
    import sys

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    async with ticking() as one:
        await one.hardware.configure(Configure())
        assert (await one.report(Devices)).backend == "miniaudio"

        await one.hardware.configure(Configure(backend="sounddevice"))
        devices = await one.report(Devices)
        assert (devices.backend, devices.problem) == ("none", "PortAudio is not installed.")
        assert "sudo apt-get install libportaudio2 libasound2-plugins" in devices.fix
        assert "sudo dnf install portaudio" in devices.fix

        await one.hardware.configure(Configure(backend="none"))
        assert (await one.report(Devices)).problem == "Sound is switched off."
        one.hardware.want(microphone=True, speaker=True)
        await one.changed("microphone", "missing")


async def test_opening_a_device_does_not_stop_the_clock(pulse: Pulse, monkeypatch: pytest.MonkeyPatch) -> None:
    need_backend("sounddevice")
    import time

    from console.sound.portaudio import PortAudio

    look, go_on = PortAudio.look, []

    def slow(backend: PortAudio) -> Any:
        while not go_on:
            time.sleep(0.01)
        return look(backend)

    monkeypatch.setattr(PortAudio, "look", slow)
    async with ticking() as one:
        configuring = asyncio.create_task(one.hardware.configure(Configure(backend="sounddevice")))
        one.hardware.want(microphone=True, speaker=True)
        await one.said(0.3)
        assert not configuring.done()
        go_on.append(True)
        await configuring
        await one.changed("speaker", "open")
