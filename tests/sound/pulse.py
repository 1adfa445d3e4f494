"""A sound server of a test's own with a virtual speaker and a virtual microphone, for whole calls on real devices.

``async def test_it(pulse: Pulse)`` (the fixture is in ``tests/sound/conftest.py``; another folder's conftest
gets it with ``from tests.sound.pulse import pulse``). PulseAudio runs once for each test file; every test finds it
whole again, with these devices, by the names that a user sees:

    VirtualSpeaker    what an app plays there, ``pulse.hearing()`` records
    VirtualMic        what ``pulse.speak()`` plays, an app hears there

While the test runs, ``os.environ`` points libpulse (and so PortAudio, ALSA and miniaudio) at that server, for this
process and for those that it starts. Samples are int16 at 48 kHz, mono [n] in, stereo [n, 2] out.

    async with pulse.hearing() as heard:         # the virtual speaker, recorded from here on
        await pulse.speak(samples)               # into the virtual microphone; returns when it was played
        await pulse.speak(Path("caller.wav"))
        ...
    heard.samples                                # int16 [n, 2]; may be read while it records

    await pulse.loop_speaker_into_microphone()   # an acoustic echo, until the test is over
    await pulse.unplug("VirtualMic") / await pulse.plug("VirtualMic", rate=44100)
    await pulse.suspend("VirtualSpeaker") / await pulse.resume("VirtualSpeaker")
    await pulse.kill() / await pulse.start()
    await pulse.pactl("list", "sinks")           # anything else
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

RATE = 48_000
SPEAKER, MICROPHONE = "VirtualSpeaker", "VirtualMic"

_CONFIGURATION = "load-module module-native-protocol-unix auth-anonymous=1 socket={socket}\n"
# The sink that feeds the virtual microphone has its own name: nobody chooses it by accident.
_SINKS = {SPEAKER: ("vspk", SPEAKER), MICROPHONE: ("vmic_in", "Feed")}
_MICROPHONE_SOURCE = "vmic"


def need_pulse() -> None:
    """Skip, and say why, where PulseAudio is not installed."""
    for program in ("pulseaudio", "pactl", "pacat", "parec"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing: apt-get install pulseaudio pulseaudio-utils")


def need_backend(backend: str) -> None:
    """Skip, and say why, where ``sounddevice`` (with PortAudio) or ``miniaudio`` cannot be used."""
    if backend == "miniaudio":
        if importlib.util.find_spec("miniaudio") is None:
            pytest.skip("miniaudio has no wheel for this machine")
        return
    try:
        import sounddevice  # noqa: F401
    except (ImportError, OSError):
        pytest.skip("PortAudio is missing: apt-get install libportaudio2 libasound2-plugins")


@dataclass
class Heard:
    """What came out of a virtual device since the recording began."""

    channels: int
    data: bytearray = field(default_factory=bytearray)

    @property
    def samples(self) -> np.ndarray:
        whole = len(self.data) // (2 * self.channels) * 2 * self.channels
        return np.frombuffer(bytes(self.data[:whole]), "<i2").reshape(-1, self.channels)


class Pulse:
    """A private PulseAudio server; see above."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sidetone-pulse-"))
        socket = self.folder / "native"
        self.environment = {
            "XDG_RUNTIME_DIR": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            "PULSE_RUNTIME_PATH": str(self.folder),
            "PULSE_SERVER": f"unix:{socket}",
        }
        self._configuration = self.folder / "test.pa"
        self._configuration.write_text(_CONFIGURATION.format(socket=socket))
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._server is not None

    async def start(self) -> None:
        """Start the server with both devices; nothing where it runs with both."""
        if self._server is None:
            self._server = self._begun()
            async with asyncio.timeout(10):
                while not await self._answers():
                    await asyncio.sleep(0.02)
        for name in (SPEAKER, MICROPHONE):
            await self.plug(name)

    def _begun(self) -> subprocess.Popen[bytes]:
        command = ["pulseaudio", "-n", "-F", str(self._configuration), "--exit-idle-time=-1"]
        command += ["--daemonize=no", "--disallow-exit"]
        with (self.folder / "pulseaudio.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **self.environment})

    async def kill(self) -> None:
        """End the server at once, as a crash does."""
        if self._server is not None:
            self._server.send_signal(signal.SIGKILL)
            await asyncio.to_thread(self._server.wait)
            self._server = None
            (self.folder / "native").unlink(missing_ok=True)
            (self.folder / "pid").unlink(missing_ok=True)

    def remove(self) -> None:
        """End the server for good."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def plug(self, name: str, rate: int = RATE) -> None:
        """Bring a device, as the system's choice; nothing where it is already there at that rate."""
        sink, description = _SINKS[name]
        lines = (await self.pactl("list", "short", "sinks")).splitlines()
        if any(line.split("\t")[1] == sink and f" {rate}Hz" in line for line in lines):
            await self.resume(name)
            return
        await self.unplug(name)
        properties = f"sink_properties=device.description={description}"
        # With rewinds it would begin two seconds ahead, and what is played meanwhile would not be heard.
        sink_arguments = [f"sink_name={sink}", f"rate={rate}", "norewinds=1", properties]
        await self.pactl("load-module", "module-null-sink", *sink_arguments)
        if name == SPEAKER:
            await self.pactl("set-default-sink", sink)
        else:
            properties = f"source_properties=device.description={name}"
            source = [f"master={sink}.monitor", f"source_name={_MICROPHONE_SOURCE}", properties]
            await self.pactl("load-module", "module-remap-source", *source)
            await self.pactl("set-default-source", _MICROPHONE_SOURCE)

    async def unplug(self, name: str) -> None:
        """Take a device away, as if its cable were drawn; nothing where it is not there."""
        sink, _ = _SINKS[name]
        for module in reversed((await self.pactl("list", "short", "modules")).splitlines()):
            index, _, arguments = module.split("\t")[:3]
            if f"sink_name={sink} " in f"{arguments} " or f"master={sink}.monitor" in arguments:
                # A module may go with the one that it stands on.
                with contextlib.suppress(RuntimeError):
                    await self.pactl("unload-module", index)

    async def suspend(self, name: str) -> None:
        """Stop a device without taking it away: its streams fall silent and hear of no error."""
        await self._suspended(name, "1")

    async def resume(self, name: str) -> None:
        """Let a suspended device go on."""
        await self._suspended(name, "0")

    async def loop_speaker_into_microphone(self, delay_ms: int = 60) -> None:
        """The virtual microphone hears the virtual speaker, until the test is over."""
        loop = [f"source={_SINKS[SPEAKER][0]}.monitor", f"sink={_SINKS[MICROPHONE][0]}"]
        await self.pactl("load-module", "module-loopback", *loop, f"latency_msec={delay_ms}")

    async def speak(self, sound: Path | np.ndarray) -> None:
        """Play a WAV file, or int16 mono at 48 kHz, into the virtual microphone; returns when it was played."""
        sink = f"--device={_SINKS[MICROPHONE][0]}"
        if isinstance(sound, Path):
            await self._run("paplay", sink, "--latency-msec=20", str(sound))
            return
        raw = ["--raw", "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=20"]
        await self._run("pacat", "--playback", sink, *raw, given=sound.astype("<i2").tobytes())

    @contextlib.asynccontextmanager
    async def hearing(self, name: str = SPEAKER, channels: int = 2) -> AsyncIterator[Heard]:
        """Record what a virtual device carries, at 48 kHz; begins once the first samples have come."""
        source = f"{_SINKS[SPEAKER][0]}.monitor" if name == SPEAKER else _MICROPHONE_SOURCE
        raw = ["--raw", "--format=s16le", f"--rate={RATE}", f"--channels={channels}", "--latency-msec=20"]
        command = ["parec", f"--device={source}", *raw]
        environment = {**os.environ, **self.environment}
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
        assert process.stdout is not None
        heard = Heard(channels)
        begun = asyncio.Event()

        async def read(stream: asyncio.StreamReader) -> None:
            while data := await stream.read(65_536):
                heard.data += data
                begun.set()

        reader = asyncio.create_task(read(process.stdout))
        try:
            async with asyncio.timeout(10):
                await begun.wait()
            yield heard
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            await reader

    async def pactl(self, *arguments: str) -> str:
        """What ``pactl`` prints; RuntimeError with its complaint where it fails."""
        return await self._run("pactl", *arguments)

    async def _suspended(self, name: str, flag: str) -> None:
        await self.pactl("suspend-sink", _SINKS[name][0], flag)
        if name == MICROPHONE:
            await self.pactl("suspend-source", _MICROPHONE_SOURCE, flag)

    async def _answers(self) -> bool:
        try:
            await self.pactl("info")
        except RuntimeError:
            return False
        return True

    async def _run(self, *command: str, given: bytes | None = None) -> str:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL if given is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self.environment},
        )
        try:
            out, err = await process.communicate(given)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: {err.decode().strip()}")
        return out.decode()


@pytest.fixture(scope="module")
def first_in_line() -> Iterator[None]:
    """Other tests beside this one do not take the processor from live sound, where this user may say so."""
    # PulseAudio gives itself -11 and must come before those who play and record.
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    yield
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, before)


@pytest.fixture(scope="module")
def pulse_server(first_in_line: None) -> Iterator[Pulse]:
    need_pulse()
    server = Pulse()
    yield server
    server.remove()


@pytest.fixture
async def pulse(pulse_server: Pulse, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pulse]:
    for name in ("PULSE_SINK", "PULSE_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in pulse_server.environment.items():
        monkeypatch.setenv(name, value)
    await pulse_server.start()
    yield pulse_server
    for module in (
        (await pulse_server.pactl("list", "short", "modules")).splitlines() if pulse_server.running else ()
    ):
        if "module-loopback" in module:
            await pulse_server.pactl("unload-module", module.split("\t")[0])
