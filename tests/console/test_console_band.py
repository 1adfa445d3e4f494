"""The band of a call: who decides it, what is asked for, and how the screen says it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import pytest

from agent import events
from console import words
from console.caller import Caller, band_for
from console.cli import main
from console.options import Options
from console.session import Session
from console.store import Store

EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("call.initiated", {"direction": "outbound", "from": "+15550100000", "to": "+15550100177"}),
    ("call.placed", {"call_control_id": "v3:x"}),
    ("call.answered", {}),
    ("media.started", {"stream_id": "s", "encoding": "L16", "sample_rate": 16_000}),
    ("call.ended", {"cause": "normal_clearing", "source": "callee", "duration_ms": 900}),
]


def _stream(told: list[tuple[str, dict[str, Any]]]) -> list[str]:
    at = {"at": "2026-11-21T17:00:01.000Z", "call": "c_1"}
    return [
        json.dumps({"type": kind, "seq": number, "mono": number * 10**9, **at, **fields})
        for number, (kind, fields) in enumerate(told, 1)
    ]


async def _sidetone(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console", *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, **environment},
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return subprocess.CompletedProcess(arguments, process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
def recording(tmp_path: Path) -> Any:
    def made(rate: int) -> Path:
        path = tmp_path / f"{rate}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(bytes(rate // 5))
        return path

    return made


@pytest.mark.parametrize(("rate", "band"), [(8000, "narrow"), (16_000, "hd"), (44_100, "hd"), (48_000, "hd")])
def test_a_recording_keeps_its_band(recording: Any, rate: int, band: str) -> None:
    caller = Caller(wav=recording(rate))

    assert band_for("", caller, live=False) == band
    assert band_for("narrow", caller, live=False) == "narrow"
    assert band_for("hd", caller, live=False) == "hd"
    assert band_for("", caller, live=True) == ""
    assert band_for("", Caller(wav=caller.wav, codec="PCMA"), live=False) == ""


@pytest.mark.parametrize("caller", [Caller(), Caller(script={"turns": []}), Caller(preset="voicemail")])
def test_others_have_the_agents_own_band(caller: Caller) -> None:
    assert band_for("", caller, live=False) == ""
    assert band_for("hd", caller, live=True) == "hd"


def test_a_format_further_down_in_the_file_is_found(tmp_path: Path, recording: Any) -> None:
    plain = recording(48_000).read_bytes()
    junk = tmp_path / "junk.wav"
    junk.write_bytes(plain[:12] + b"JUNK" + (28).to_bytes(4, "little") + bytes(28) + plain[12:])

    assert band_for("", Caller(wav=junk), live=False) == "hd"


@pytest.mark.parametrize("content", [None, b"", b"RIFF", b"RIFF....WAVEfmt ", b"ID3 fmt " + bytes(40)])
def test_what_is_no_recording_is_left_to_the_simulator(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.wav"
    if content is not None:
        path.write_bytes(content)

    assert band_for("", Caller(wav=path), live=False) == ""


def test_only_who_dials_in_brings_a_telephone(recording: Any) -> None:
    assert "codec" not in Caller().order()
    assert Caller().order(wideband=True)["codec"] == "G722"
    assert Caller(codec="PCMA").order(wideband=True)["codec"] == "PCMA"
    assert "codec" not in Caller(script={"turns": [], "codec": "PCMU"}).order(wideband=True)


@pytest.mark.parametrize(("arguments", "band"), [([], ""), (["--band", "hd"], "hd")])
async def test_a_call_asks_for_the_band_and_says_which_it_got(house: Any, arguments: list[str], band: str) -> None:
    house.stream = _stream(EVENTS)
    done = await _sidetone("call", *arguments)

    assert (done.returncode, done.stderr) == (0, "")
    assert house.dialled[0]["band"] == band
    assert "line: L16 16000 Hz HD" in done.stdout


async def test_a_recording_in_hd_is_dialled_in_hd(house: Any, recording: Any) -> None:
    house.stream = _stream(EVENTS)
    await _sidetone("call", "--wav", str(recording(16_000)))

    assert house.dialled[0]["band"] == "hd"
    assert "codec" not in next(iter(house.scripts.values()))


@pytest.mark.parametrize(
    ("arguments", "own", "query", "codec"),
    [
        (["--band", "narrow"], "hd", "?band=narrow", None),
        ([], "hd", "", "G722"),
    ],
)
async def test_who_dials_in_has_the_telephone_for_it(
    house: Any, arguments: list[str], own: str, query: str, codec: str | None
) -> None:
    house.stream = _stream(EVENTS)
    done = await _sidetone("call", "--inbound", *arguments, SIDETONE_BAND=own)

    assert done.returncode == 0
    assert house.dialled_in[0]["texml_url"] == f"{house.url}/texml{query}"
    assert house.dialled_in[0].get("codec") == codec


async def test_the_console_dials_in_the_band_of_its_options(house: Any, store: Store) -> None:
    session = Session(store, Options(url=house.url, token="let me in", band="hd"))
    running = session.start()
    try:
        await session.dial("+15550100177")
        await session.dial("+15550100177", "narrow")
    finally:
        await session.close(stop=False)
        running.cancel()

    assert [asked["band"] for asked in house.dialled] == ["hd", "narrow"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["call", "--band", "wide"], "choose one of narrow, hd"),
        (["--band", "16k"], "choose one of narrow, hd"),
        (["--band", "hd", "calls"], "put the options after calls"),
        (["call", "--bot", "python bot.py", "--band", "hd"], "--bot is called as it is"),
    ],
)
def test_wrong_usage(
    arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sidetone", *arguments])

    assert main() == 2
    assert says in capsys.readouterr().err


def test_the_line_in_words() -> None:
    assert words.media("PCMU", 8000) == "PCMU 8000 Hz"
    assert words.media("G722", 16_000) == "G722 16000 Hz HD"
    assert words.media("PCMU", 8000, "L16 16000 Hz") == "PCMU 8000 Hz, L16 16000 Hz was asked for"


async def test_the_screen_says_that_a_line_is_hd(open_console: Any) -> None:
    async with open_console(120, 40) as console:
        started = events.MediaStarted(stream_id="s", encoding="L16", sample_rate=16_000, seq=10_000)
        started.call = console.shown_call
        console.store.feed(started)
        await console.settle()

        assert "L16 16k HD" in console.text
