"""``sidetone`` as programs and people at a shell meet it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent import events, paths
from agent.journal import Journal
from console.cli import main
from console.command_line.script import ScriptError, from_file, from_lines

FAKES = Path(__file__).parent / "fakes"
Run = Callable[..., "asyncio.Future[subprocess.CompletedProcess[str]]"]


async def _sidetone(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it without a terminal."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "console",
        *arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return subprocess.CompletedProcess(arguments, process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
async def journal(recorded: Callable[[str], list[events.Event]]) -> list[events.Event]:
    """The calls of the recording in the journal of this data folder."""
    made = Journal(paths.journal_file())
    made.open()
    kept = [made.append(event)[0] for event in recorded("clinic") if event.seq]
    await made.close()
    return kept


async def test_without_a_terminal_it_makes_a_demonstration_call(house: Any) -> None:
    house.stream = _call_events()
    house.report = {"lines": [{"text": "hello", "answered": True}], "state": "ended"}
    done = await _sidetone()

    assert done.stderr == "There is no terminal here for the screen, so this is a demonstration call.\n"
    assert done.stdout.splitlines()[0].startswith("calling +1 555 010 0123   line SIM · stt SIM")
    assert done.returncode == 0


async def test_a_remote_agent_needs_a_terminal(house: Any) -> None:
    done = await _sidetone("--attach", house.url, SIDETONE_TOKEN="let me in")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "There is no terminal here for the screen: use `sidetone call`.\n"


async def test_a_call_that_went_well(house: Any) -> None:
    house.stream = _call_events()
    house.report = {"lines": [{"text": "when are you open", "answered": True}], "state": "ended"}
    done = await _sidetone("call", "+15550100177", "--say", "when are you open")

    assert done.returncode == 0
    assert done.stderr == ""
    assert [line.split() for line in done.stdout.splitlines()] == [
        [
            "calling",
            "+1",
            "555",
            "010",
            "0177",
            "line",
            "SIM",
            "·",
            "stt",
            "SIM",
            "·",
            "llm",
            "SIM",
            "·",
            "tts",
            "SIM",
        ],
        ["00:02", "caller", "When", "are", "you", "open?", "(eot", ".93)"],
        ["eot", "180", "│", "llm", "310", "│", "tts", "140", "│", "out", "12", "│", "e2e", "642", "ms"],
        ["00:03", "agent", "Eight", "to", "six."],
        ["ended", "normal_clearing", "by", "caller"],
        [
            "✓",
            "1",
            "of",
            "1",
            "lines",
            "answered,",
            "00:09,",
            "1",
            "turn,",
            "e2e",
            "p50",
            "0.64",
            "s,",
            "p95",
            "0.64",
            "s",
        ],
    ]
    assert house.scripts == {"+15550100177": {"script": {"turns": [{"user": "when are you open"}]}}}
    assert house.dialled[0]["to"] == "+15550100177"


async def test_json_is_the_events_of_the_call_as_they_are_and_nothing_else(house: Any) -> None:
    others = [
        _event("call.ringing", 50, "c_other"),
        _event("agent.log", 51, "", level="WARNING", logger="x", message="y"),
        _event("webhook.rejected", 52, "", route="/x", reason="y"),
    ]
    house.stream = [*others, *_call_events()]
    house.report = {"lines": [], "state": "ended"}
    done = await _sidetone("call", "--json")

    assert done.returncode == 0
    assert done.stdout.splitlines() == [others[1], *_call_events()]


@pytest.mark.parametrize(
    ("report", "cause", "says"),
    [
        (
            [{"text": "hello", "answered": False, "started_ms": 5}],
            "normal_clearing",
            "Line 1 ('hello') was not answered.",
        ),
        (
            [{"text": "hello", "answered": True}, {"text": "bye", "answered": False}],
            "normal_clearing",
            "Line 2 ('bye') was never said: the call had ended.",
        ),
        (
            [{"text": "hello", "answered": True}],
            "media_lost",
            "The call did not end as it should: failed: the media stream broke off.",
        ),
    ],
)
async def test_a_call_that_went_wrong_says_why(house: Any, report: list[Any], cause: str, says: str) -> None:
    house.stream = _call_events(cause=cause)
    house.report = {"lines": report, "state": "ended"}
    done = await _sidetone("call")

    assert (done.returncode, done.stderr) == (1, f"{says}\n")


async def test_a_call_that_nobody_answered(house: Any) -> None:
    house.stream = [_event("call.initiated", 1, "c_1", direction="outbound", **{"from": "+1", "to": "+1"}),
                    _event("call.ended", 2, "c_1", cause="user_busy", source="callee", duration_ms=0)]  # fmt: skip
    done = await _sidetone("call", "--say", "hello")

    assert (done.returncode, done.stderr) == (1, "The call was not answered: busy (user_busy).\n")


async def test_a_refused_dial_is_one_sentence(house: Any) -> None:
    house.refusal = (503, "OPENAI_API_KEY is not set: put it into .env.")
    done = await _sidetone("call")

    assert (done.returncode, done.stderr) == (1, "OPENAI_API_KEY is not set: put it into .env.\n")


async def test_a_simulator_that_cannot_speak_is_told_before_anything_is_dialled(house: Any) -> None:
    house.silence = "Speech needs espeak-ng."
    done = await _sidetone("call")

    assert (done.returncode, done.stderr) == (1, "Speech needs espeak-ng.\n")
    assert house.dialled == []


async def test_a_call_that_does_not_end_is_hung_up(house: Any) -> None:
    house.stream = _call_events()[:3]
    done = await _sidetone("call", "--timeout", "1")

    assert (done.returncode, done.stderr) == (1, "The call was not over after 1 s and was hung up.\n")
    assert house.hung_up


async def test_ctrl_c_hangs_up(house: Any) -> None:
    house.stream = _call_events()[:3]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console", "call", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 60)
    process.send_signal(2)
    while not house.hung_up:
        await asyncio.sleep(0.01)
    await house.send(_event("call.ended", 99, "c_1", cause="normal_clearing", source="operator", duration_ms=1))
    out, err = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 130
    assert err.decode() == "Interrupted: the call was hung up.\n"
    assert json.loads(out.splitlines()[-1])["type"] == "call.ended"


async def test_a_running_agent_on_a_live_line_is_never_dialled_by_surprise(house: Any) -> None:
    house.health.services = {**house.health.services, "line": "LIVE"}
    done = await _sidetone("call")

    assert done.returncode == 1
    assert done.stderr.startswith(
        "The agent that runs already uses line LIVE, not SIM: stop it with `sidetone stop`"
    )
    assert house.dialled == []


async def test_an_agent_that_cannot_start_is_one_sentence_and_its_last_lines() -> None:
    (paths.data_dir() / "agent.habits").write_text("fail\n")
    done = await _sidetone("call", PYTHONPATH=str(FAKES))

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "The agent ended with status 3: line 7",
        *(f"line {number}" for number in range(3, 8)),
    ]
    assert not (paths.data_dir() / "simulator.json").exists() or not _alive_simulator()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["call", "12"], "12 is no telephone number"),
        (
            ["call", "--say", "hi", "--script", "x.yaml"],
            "--say, --script, --wav, --preset and --mic exclude each other",
        ),
        (["call", "--script", "/nowhere.yaml"], "/nowhere.yaml cannot be read"),
        (["call", "--line", "telnyx", "+15550100123"], "a live call costs money: confirm it with --yes"),
        (["call", "--line", "telnyx", "--yes"], "a live call needs a number"),
        (["call", "--line", "telnyx", "--say", "hi", "+15550100123"], "on a live line a person answers"),
        (["call", "--line", "livekit", "+15550100123"], "a live call costs money: confirm it with --yes"),
        (["call", "--line", "livekit", "--say", "hi", "+15550100123"], "on a live line a person answers"),
        (["call", "--line", "livekit", "--band", "hd", "+15550100123"], "--band is for Telnyx's line"),
        (["--line", "livekit", "--framework", "pipecat"], "choose --framework livekit"),
        (["--rooms", "--band", "hd"], "--band is for Telnyx's line"),
        (["call", "--line", "tin-can"], "choose one of sim, telnyx, livekit"),
        (["--sim", "stt,video"], "'video' cannot be simulated"),
        (["--attach", "127.0.0.1:1"], "give an address such as"),
        (["--attach", "http://127.0.0.1:1"], "--attach needs the agent's token"),
        (["--line", "telnyx", "calls"], "put the options after calls"),
        (["--rooms", "calls"], "put the options after calls"),
        (["frobnicate"], "No such command"),
    ],
)
def test_wrong_usage_is_status_2(
    arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sidetone", *arguments])
    status = main()

    told = capsys.readouterr()
    assert (status, told.out) == (2, "")
    assert says in told.err


async def test_version_and_help() -> None:
    version, help_text = await _sidetone("--version"), await _sidetone("--help")

    assert version.stdout.startswith("sidetone 0.")
    for name in ("call", "calls", "show", "agent", "simulator", "stop"):
        assert f"  {name} " in help_text.stdout


async def test_calls_and_show_read_the_journal(journal: list[events.Event]) -> None:
    listed, as_json = await _sidetone("calls"), await _sidetone("calls", "--json", "--limit", "2")
    shown, raw = await _sidetone("show", "c_ad"), await _sidetone("show", "c_ada", "--json")

    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["c_dan", "c_bob", "c_ada", "c_cyd"]
    assert "+1 555 010 0144" in listed.stdout.splitlines()[0]
    assert [json.loads(line)["id"] for line in as_json.stdout.splitlines()] == ["c_ada", "c_cyd"]
    assert "caller  Hi, um, I need to move my appointment.  (unsure: appointment, eot .94)" in shown.stdout
    assert "✂ caller cut in after 0.9 s" in shown.stdout
    mine = [event for event in journal if event.call == "c_ada"]
    assert [events.decode(line) for line in raw.stdout.splitlines()] == mine


async def test_history_that_is_not_there_is_one_sentence(journal: list[events.Event], tmp_path: Path) -> None:
    missing = await _sidetone("show", "c_zzz")
    empty = await _sidetone("calls", SIDETONE_DATA_DIR=str(tmp_path / "new"))

    assert (missing.returncode, missing.stderr) == (1, "There is no call c_zzz: `sidetone calls` lists them.\n")
    assert empty.returncode == 1
    assert empty.stderr.startswith("No calls yet: ")


async def test_stop_ends_what_runs_and_says_so() -> None:
    nothing = await _sidetone("stop")
    assert nothing.stdout == f"Nothing runs in {paths.data_dir()}.\n"

    keep = asyncio.create_task(_sidetone("call", "--keep", "--timeout", "1", PYTHONPATH=str(FAKES)))
    assert (await keep).returncode == 1
    stopped = await _sidetone("stop", PYTHONPATH=str(FAKES))
    assert [line.split(" (")[0] for line in stopped.stdout.splitlines()] == [
        "Stopped the agent",
        "Stopped the simulator",
    ]
    assert not _alive_simulator()


async def test_a_reader_who_leaves_early_causes_no_traceback(journal: list[events.Event]) -> None:
    command = f"{sys.executable} -m console show c_ada --json | head -1; echo ${{PIPESTATUS[0]}}"
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)

    assert json.loads(out.splitlines()[0])["type"] == "call.initiated"
    assert err == b""


def test_scripts(tmp_path: Path) -> None:
    file = tmp_path / "caller.yaml"
    file.write_text(
        "turns:\n- user: hello\n- user: wait\n  send_after: {event: bot_started_speaking, delay_ms: 700}\n"
    )

    assert from_file(file)["turns"][1]["send_after"]["delay_ms"] == 700
    assert from_lines(["a", "b"]) == {"turns": [{"user": "a"}, {"user": "b"}]}
    for text in ("turns: {", "- user: hello", "turns: hello", "\x00"):
        file.write_text(text)
        with pytest.raises(ScriptError):
            from_file(file)


def _event(kind: str, seq: int, call: str, **fields: Any) -> str:
    at = f"2026-11-21T17:00:{seq % 60:02}.000Z"
    return json.dumps({"type": kind, "seq": seq, "at": at, "mono": seq * 10**9, "call": call, **fields})


def _call_events(cause: str = "normal_clearing") -> list[str]:
    """A short call with one question and its answer, as ``/events`` sends it."""
    words = {"transcript": "When are you", "turn_order": 0, "end_of_turn": False}
    heard = {
        "transcript": "When are you open?",
        "turn_order": 0,
        "end_of_turn": True,
        "end_of_turn_confidence": 0.93,
    }
    parts = {"end_of_turn": 180, "llm_first_token": 310, "tts_first_audio": 140, "first_media": 12}
    told: list[tuple[str, dict[str, Any]]] = [
        ("call.initiated", {"direction": "outbound", "from": "+15550100000", "to": "+15550100177"}),
        ("call.placed", {"call_control_id": "v3:x"}),
        ("call.answered", {}),
        ("stt.turn", {"session": 1, "message": words}),
        ("stt.turn", {"session": 1, "message": heard}),
        ("turn.user_stopped", {"turn": 1, "text": "x", "decided_by": "assemblyai", "silence_ms": 180}),
        ("tts.request", {"turn": 1, "text": "Eight to six."}),
        ("turn.latency", {"turn": 1, "total_ms": 642, "parts": parts}),
        ("turn.agent_stopped", {"turn": 1, "text": "Eight to six.", "audio_ms": 900}),
        ("call.ended", {"cause": cause, "source": "caller", "duration_ms": 9000}),
    ]
    seconds = {3: 2, 4: 2, 6: 3}
    made = [_event(kind, place + 1, "c_1", **fields) for place, (kind, fields) in enumerate(told)]
    return [
        text.replace(f"17:00:{place + 1:02}", f"17:00:{seconds.get(place, place + 1):02}")
        for place, text in enumerate(made)
    ]


def _alive_simulator() -> bool:
    from console.process import RunningFile, alive

    known = RunningFile.read(paths.data_dir() / "simulator.json")
    return known is not None and alive(known.pid)
