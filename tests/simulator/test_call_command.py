"""`sidetone simulator call`: orders from options, the account, the verdict, and calls into a bot."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.commands import arguments, call_arguments, verdict
from simulator.commands.account import Account
from tests.simulator.conftest import Bot, Stream

BEEP = (b"\x90" * 8 + b"\x10" * 8) * 10


def chosen(*options: str) -> argparse.Namespace:
    return arguments.parser().parse_args(["call", *options])


def test_an_order_has_what_was_chosen_and_nothing_else(tmp_path: Path) -> None:
    order = call_arguments.order(
        chosen("--url", "ws://localhost:1/ws", "--say", "a", "--say", "b", "--fault", "jitter_ms=40", "--fault",
               "one_way=to_agent", "--seed", "7", "--codec", "pcma", "--record", "here", "--no-probe")
    )  # fmt: skip
    assert order == {
        "from": "+15550100123",
        "to": "+15550100000",
        "stream_url": "ws://localhost:1/ws",
        "script": {"turns": [{"user": "a"}, {"user": "b"}]},
        "faults": {"jitter_ms": 40, "one_way": "to_agent", "seed": 7},
        "codec": "PCMA",
        "record": str(Path.cwd() / "here"),
    }
    texml = call_arguments.order(chosen("--texml", "http://h/t", "--method", "GET", "--preset", "busy"))
    assert (texml["texml_url"], texml["texml_method"]) == ("http://h/t", "GET")
    assert texml["preset"] == "busy"
    assert texml["probe"] is True
    assert call_arguments.order(chosen("--connection", "123"))["connection_id"] == "123"
    wav = tmp_path / "a.wav"
    wav.touch()
    assert call_arguments.order(chosen("--connection", "1", "--wav", str(wav)))["wav"] == str(wav)
    noisy = call_arguments.order(
        chosen("--connection", "1", "--wav", str(wav), "--loop", "--noise", str(wav), "--snr", "9")
    )
    assert (noisy["loop"], noisy["noise"]) == (True, {"file": str(wav), "snr_db": 9.0})


def test_the_data_folder_may_stand_on_either_side_of_the_command() -> None:
    parser = arguments.parser()
    before = parser.parse_args(["--data-dir", "/d", "--port", "0", "call", "--url", "ws://h"])
    after = parser.parse_args(["call", "--url", "ws://h", "--data-dir", "/d", "--port", "0"])
    assert (before.data_dir, before.port) == (after.data_dir, after.port) == (Path("/d"), 0)


@pytest.mark.parametrize(
    "options",
    [
        ("--url", "http://h"), ("--texml", "ws://h"), ("--url", "ws://h", "--method", "GET"),
        ("--texml", "http://h", "--auth-token-file", "t"),
        ("--url", "ws://h", "--auth-token-file", "/no/such"),
        ("--url", "ws://h", "--fault", "jitter"),
        ("--url", "ws://h", "--say", " "), ("--url", "ws://h", "--script", "nowhere.yaml"),
        ("--url", "ws://h", "--wav", "nowhere.wav"), ("--url", "ws://h", "--timeout", "0"),
        ("--url", "ws://h", "--loop"), ("--url", "ws://h", "--snr", "5"),
        ("--url", "ws://h", "--noise", "nowhere.wav"),
    ],
)  # fmt: skip
def test_options_without_sense_are_one_sentence(options: tuple[str, ...]) -> None:
    with pytest.raises(call_arguments.UsageError, match=r"^.+\.$"):
        call_arguments.order(chosen(*options))


LINE = {"text": "Hello", "started_ms": 1000, "ended_ms": 1500, "answered": True, "answer_after_ms": 700}
GOOD: dict[str, Any] = {"ended": {"cause": "normal_clearing", "source": "caller", "sip": "200"}, "heard_ms": 900}
FINDING = {"rule": "mp3-mode", "what": "It is mp3.", "fix": "Set rtp.", "count": 3, "details": ["a\x1b[2Jb"]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        (
            {"ended": {"cause": "call_rejected", "source": "callee", "sip": "603"}},
            "call_rejected, by callee, SIP 603",
        ),
        ({"heard_ms": 0}, "never heard"),
        ({"lines": [{**LINE, "answered": False}]}, "'Hello') was not answered"),
        ({"lines": [{"text": "Hello", "started_ms": None, "answered": False}]}, "never said"),
        ({"lines": [{"text": "", "dtmf": "1", "started_ms": 1, "answered": False}]}, ""),
        ({"findings": [FINDING]}, "broke a rule"),
        ({"findings": [{**FINDING, "severity": "warning"}]}, ""),
    ],
)
def test_what_makes_a_call_fail(change: dict[str, Any], reason: str) -> None:
    failure = verdict.failure({**GOOD, "lines": [LINE], **change})
    assert reason in failure if reason else not failure


def test_the_account_tells_each_thing_once_and_every_finding_with_its_fix() -> None:
    out = io.StringIO()
    account = Account(out, colour=False)
    account.update({"lines": [{"text": "Hello", "started_ms": None}], "heard_ms": 400})
    for _ in range(2):
        account.update({**GOOD, "lines": [LINE]})
    account.end({**GOOD, "lines": [LINE], "findings": [FINDING], "warnings": ["The line is bad."]})
    text = out.getvalue()

    assert [text.count(part) for part in ("is heard", "caller  Hello", "answers after 0.70 s")] == [1, 1, 1]
    assert "0:02.2  bot     answers" in text
    assert "✗ mp3-mode, 3 times" in text
    assert "Fix: Set rtp." in text
    assert "The line is bad." in text
    assert "\x1b" not in text


async def beeping(stream: Stream) -> None:
    """Beeps at once and, for one call with two lines, often enough to answer each."""
    await stream.until("start")
    while True:
        for _ in range(25):
            await stream.play(BEEP)
        count = len(stream.of("media"))
        await stream.until("media", count + 90)


async def command(data: Path, *options: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", "--data-dir", str(data), "--port", "0", "call", *options,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def voice() -> None:
    pytest.importorskip("espeakng_loader", reason="the local voice is missing: install sidetone[speech]")


async def test_a_call_through_the_running_simulator(voice: None, simulator: Any, bot: Bot, tmp_path: Path) -> None:
    bot.on_stream = beeping
    status, out, err = await command(
        tmp_path, "--url", bot.stream_url, "--say", "Hello there.", "--no-probe", "--json"
    )
    report = json.loads(out)

    assert (status, err) == (0, "")
    assert report["ok"] is True
    assert [line["text"] for line in report["lines"]] == ["Hello there."]
    assert (tmp_path / "simulator.json").exists()


async def test_without_a_simulator_one_runs_for_the_call(voice: None, bot: Bot, tmp_path: Path) -> None:
    bot.on_stream = beeping
    status, out, _ = await command(tmp_path, "--url", bot.stream_url, "--say", "Hello there.")

    assert status == 0, out
    assert "caller  Hello there." in out
    assert "1 of 1 lines answered" in out
    assert not (tmp_path / "simulator.json").exists()


async def test_a_bot_that_is_not_there_fails_the_call(voice: None, simulator: Any, tmp_path: Path) -> None:
    status, out, err = await command(tmp_path, "--texml", "http://127.0.0.1:9/texml", "--say", "Hello.", "--json")

    assert status == 1
    assert json.loads(out)["ok"] is False
    assert err.startswith("✗ ")


async def test_a_refused_order_is_wrong_usage(simulator: Any, tmp_path: Path) -> None:
    status, _, err = await command(tmp_path, "--url", "ws://127.0.0.1:9", "--preset", "no-such-preset")

    assert status == 2
    assert "no-such-preset" in err


async def test_a_call_that_takes_too_long_is_hung_up(
    voice: None, simulator: Any, bot: Bot, tmp_path: Path
) -> None:
    status, _, err = await command(tmp_path, "--url", bot.stream_url, "--say", "Hello.", "--timeout", "1")

    assert status == 1
    assert "not over after 1 s and was hung up" in err
    await (await bot.streams.get()).closed.wait()


async def test_a_replay_sends_the_same_bytes_to_a_bot_and_needs_no_simulator(bot: Bot, tmp_path: Path) -> None:
    async def answer(stream: Stream) -> None:
        await stream.until("stop")
        await stream.play(BEEP)

    bot.on_stream = answer
    sent = [{"event": "connected", "version": "1.0.0"}, {"event": "start"}, {"event": "stop"}]
    record = tmp_path / "frames.ndjson"
    lines: list[dict[str, Any]] = [{"sidetone_frames": 1, "url": "ws://h/x", "started_at": "2026-11-21T00:00:00Z"}]
    lines += [{"t_ns": place * 20_000_000, "dir": "sent", "frame": json.dumps(f)} for place, f in enumerate(sent)]
    record.write_text("".join(json.dumps(line) + "\n" for line in lines))
    status, out, err = await command(tmp_path, "--replay", str(record), "--url", bot.stream_url, "--json")
    report = json.loads(out)

    assert (status, err) == (0, "")
    assert (report["planned"], report["sent"], report["received"]) == (3, 3, 1)
    assert (await bot.streams.get()).frames == sent
    assert not (tmp_path / "simulator.json").exists()


@pytest.mark.parametrize("options", [("--texml", "http://h"), ("--url", "http://h")])
async def test_a_replay_goes_to_a_media_stream(options: tuple[str, ...], tmp_path: Path) -> None:
    record = tmp_path / "frames.ndjson"
    record.touch()
    status, out, err = await command(tmp_path, "--replay", str(record), *options)

    assert status == 2
    assert not out
    assert err.strip().endswith(".")
