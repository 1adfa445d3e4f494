"""Bots that are not ours: Pipecat under its own development runner, plain FastAPI, and one with mistakes."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.house import ROOT, Process

BOTS = Path(__file__).with_name("bots")
SOURCES = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
SETUP = ROOT / "simulator" / "bots" / "pipecat_setup.py"
needs_runner = pytest.mark.skipif(
    importlib.util.find_spec("python_multipart") is None,
    reason="Pipecat's runner is missing: install pipecat-ai[runner]",
)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    pytest.importorskip("espeakng_loader", reason="the local voice is missing: install sidetone[speech]")
    data = tmp_path_factory.mktemp("simulator")
    made = Process("simulator", data, ["--data-dir", str(data)])
    made.start()
    try:
        yield made
    finally:
        made.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def call_bot(simulator: Process, command: str, **options: Any) -> tuple[int, dict[str, Any], str]:
    """`sidetone call --bot` in a process of its own: exit status, report, standard error."""
    code = (
        "import json, sys; from console.command_line.bot import run_bot_call; "
        "command, options = json.loads(sys.argv[1]); sys.exit(run_bot_call(command, as_json=True, **options))"
    )
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TELNYX_", "ASSEMBLYAI_", "OPENAI_", "DEEPGRAM_", "RIME_", "PIPECAT_"))
        and not name.startswith("SIDETONE_")
    }
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps([command, options])],
        cwd=simulator.data,
        env={**clean, "SIDETONE_DATA_DIR": str(simulator.data), "PYTHONPATH": SOURCES},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def rules(report: dict[str, Any]) -> set[str]:
    return {finding["rule"] for finding in report["findings"]}


@needs_runner
@pytest.mark.parametrize("public_host", [False, True], ids=["media stream", "TeXML"])
def test_an_unmodified_pipecat_bot_talks(simulator: Process, public_host: bool) -> None:
    port = free_port()
    command = f"{sys.executable} {BOTS / 'pipecat_bot.py'} -t telnyx --port {port}"
    if public_host:
        command += f" -x localhost:{port}"
    status, report, err = call_bot(simulator, command, say=["What are your opening hours?"])

    assert status == 0, (err, (simulator.data / "bot.out").read_text())
    assert [line["answered"] for line in report["lines"]] == [True]
    assert report["ended"]["cause"] == "normal_clearing"
    # Every service it used was the simulator's.
    assert "is not simulated" not in (simulator.data / "bot.out").read_text()


def test_a_plain_fastapi_bot_after_telnyxs_description(simulator: Process) -> None:
    port = free_port()
    script = simulator.data / "keys.yaml"
    script.write_text("turns: [{user: Hello there.}, {dtmf: '4#'}]\nhang_up: false\n")
    status, report, err = call_bot(
        simulator,
        f"{sys.executable} {BOTS / 'fastapi_bot.py'} --port {port}",
        bot_url=f"http://localhost:{port}/texml",
        script=str(script),
    )
    said = (simulator.data / "bot.out").read_text()

    assert status == 0, (err, said)
    # On this machine nothing speaks TLS where its TeXML says wss.
    assert rules(report) == {"wss-on-plain-port"}
    assert report["lines"][0]["answered"]
    # It hung up by Telnyx's API when the key # came.
    assert report["ended"]["source"] == "callee"
    assert "heard to the end: hello" in said
    assert "key: 4" in said


def test_the_classic_mistake_is_named_with_its_fix(simulator: Process) -> None:
    port = free_port()
    status, report, err = call_bot(
        simulator,
        f"{sys.executable} {BOTS / 'careless_bot.py'} --port {port}",
        bot_url=f"http://localhost:{port}/texml",
        say=["Hello there."],
    )

    assert status == 1
    assert report["ok"] is False
    (finding,) = [finding for finding in report["findings"] if finding["rule"] == "mp3-mode"]
    assert "bidirectionalMode" in finding["fix"]
    assert err


def test_every_mistake_of_a_careless_bot_is_reported(simulator: Process) -> None:
    port = free_port()
    _, report, _ = call_bot(
        simulator,
        f"{sys.executable} {BOTS / 'careless_bot.py'} --port {port}",
        bot_url=f"http://localhost:{port}/texml?mode=rtp",
        say=["Hello there."],
    )

    assert {"short-chunk", "media-after-stop", "late-webhook-answer", "unsigned-accepted"} <= rules(report)
    assert all(finding["fix"] and finding["count"] for finding in report["findings"])


def test_a_bot_that_dies_shows_its_last_lines(simulator: Process) -> None:
    port = free_port()
    done = subprocess.run(
        [
            sys.executable, "-c",
            "import sys; from console.command_line.bot import run_bot_call; sys.exit(run_bot_call(sys.argv[1]))",
            f"{sys.executable} -c 'raise SystemExit(\"no such model\")' --port {port}",
        ],
        env={**os.environ, "SIDETONE_DATA_DIR": str(simulator.data), "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip

    assert done.returncode == 1
    assert "The bot ended with status 1." in done.stderr
    assert "no such model" in done.stderr


REBASED = """
import asyncio, http.server, importlib.util, os, sys, threading
seen = []
class Telnyx(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        seen.append((self.path, self.headers["authorization"]))
        self.send_response(200); self.send_header("content-length", "2"); self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Telnyx)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["TELNYX_BASE_URL"] = f"http://127.0.0.1:{server.server_address[1]}/v2"
os.environ["DEEPGRAM_BASE_URL"] = "ws://127.0.0.1:9"
os.environ["ASSEMBLYAI_BASE_URL"] = "wss://elsewhere.example"
spec = importlib.util.spec_from_file_location("setup", sys.argv[1])
setup = importlib.util.module_from_spec(spec); spec.loader.exec_module(setup)
from pipecat.serializers.telnyx import TelnyxFrameSerializer
serializer = TelnyxFrameSerializer("s", "PCMU", "PCMU", call_control_id="v3:abc", api_key="key")
asyncio.run(serializer._hang_up_call())
assert seen == [("/v2/calls/v3:abc/actions/hangup", "Bearer key")], seen
speak = "wss://api.deepgram.com/v1/speak?model=a&encoding=linear16"
assert setup.rebased(speak) == "ws://127.0.0.1:9/v1/speak?model=a&encoding=linear16"
os.environ["RIME_BASE_URL"] = "ws://127.0.0.1:9"
for host, path in {"users-ws": "/ws3?speaker=astra", "coda.api": "/ws"}.items():
    assert setup.rebased(f"wss://{host}.rime.ai{path}") == f"ws://127.0.0.1:9{path}"
assert setup.rebased("https://users.rime.ai/v1/rime-tts") == "http://127.0.0.1:9/v1/rime-tts"
for kept in ("wss://streaming.assemblyai.com/v3/ws", "https://example.com/a", "http://localhost:1/b"):
    assert setup.rebased(kept) == kept, kept
"""


def test_the_setup_file_reaches_the_hang_up_whose_host_is_fixed() -> None:
    done = subprocess.run([sys.executable, "-c", REBASED, str(SETUP)], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert "streaming.assemblyai.com is not simulated" in done.stderr
