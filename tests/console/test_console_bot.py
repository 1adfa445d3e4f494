"""Somebody else's bot: where it listens, what environment it gets, how it starts and ends."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from console.command_line import bot_address
from console.command_line.bot import bot_environment, run_bot_call
from console.command_line.bot_address import Address, AddressError
from console.command_line.bot_process import BotProcess
from console.http_client import Http
from console.process import StartError, alive


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python bot.py -t telnyx --port 7861", [Address("localhost", 7861)]),
        ("python bot.py --host=127.0.0.1 --port=80", [Address("127.0.0.1", 80)]),
        ("uvicorn bot:app --host 0.0.0.0 --port 8000", [Address("localhost", 8000)]),
        ("python bot.py", [Address("localhost", port) for port in bot_address.USUAL_PORTS]),
        ("python bot.py --port", [Address("localhost", port) for port in bot_address.USUAL_PORTS]),
    ],
)
def test_a_command_line_tells_where_to_knock(command: str, expected: list[Address]) -> None:
    assert bot_address.candidates(command.split(), "") == expected


def test_an_address_that_is_given_wins() -> None:
    url = "ws://127.0.0.1:9000/ws"
    assert bot_address.candidates(["python", "--port", "1"], url) == [Address("127.0.0.1", 9000, url)]
    assert bot_address.candidates(["python"], "", "8123") == [Address("localhost", 8123)]
    for bad in ("localhost:1", "ftp://h", "http://", "http://h:x", "ws://[::1"):
        with pytest.raises(AddressError):
            bot_address.candidates(["python"], bad)


RUNNER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"status":"ready","transports":["telnyx"]}'
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


async def _line(process: BotProcess) -> str:
    while not (lines := process.tail()):
        assert not process.over
        await asyncio.sleep(0.01)
    return lines[0]


async def test_pipecats_runner_without_a_public_host_is_reached_at_its_stream(tmp_path: Path) -> None:
    bot = BotProcess([sys.executable, "-c", RUNNER], os.environ, tmp_path / "bot.out")
    http = Http()
    await bot.start()
    try:
        here = Address("127.0.0.1", int(await _line(bot)))
        words = ["python", "bot.py", "-t", "telnyx"]
        url = f"127.0.0.1:{here.port}"
        assert await bot_address.listens(here)
        assert await bot_address.target(here, words, http) == ["--url", f"ws://{url}/ws"]
        assert await bot_address.target(here, [*words, "-x", "h"], http) == ["--texml", f"http://{url}/"]
        told = Address("h", 1, "http://h:1/texml")
        assert await bot_address.target(told, words, http) == ["--texml", "http://h:1/texml"]
    finally:
        await bot.stop()
        await http.close()
    assert not await bot_address.listens(here)
    assert await bot_address.target(here, [], Http()) == ["--texml", f"http://{url}/"]


def test_the_simulator_wins_over_the_bots_own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-real\nDATABASE_URL=postgres://h\nOWN=file\n")
    monkeypatch.setenv("OWN", "shell")
    monkeypatch.setenv("PIPECAT_SETUP_FILES", f"/mine.py{os.pathsep}/theirs.py")
    told = {"OPENAI_API_KEY": "simulated", "PIPECAT_SETUP_FILES": "/theirs.py"}
    given = bot_environment(told, tmp_path, 7860)

    assert (given["OPENAI_API_KEY"], given["DATABASE_URL"], given["OWN"]) == ("simulated", "postgres://h", "shell")
    assert given["PIPECAT_SETUP_FILES"] == f"/mine.py{os.pathsep}/theirs.py"
    assert (given["PORT"], given["PYTHON_DOTENV_DISABLED"]) == ("7860", "1")
    assert "127.0.0.1" in given["NO_PROXY"]


async def test_a_bot_ends_with_its_children(tmp_path: Path) -> None:
    parent = "import subprocess, sys; c = subprocess.Popen(['sleep', '60']); print(c.pid, flush=True); c.wait()"
    bot = BotProcess([sys.executable, "-c", parent], os.environ, tmp_path / "bot.out")
    await bot.start()
    child = int(await _line(bot))
    assert alive(child)
    await bot.stop()

    assert bot.over
    assert not alive(child)
    assert bot.epitaph() == "The bot was ended by SIGTERM."
    assert (tmp_path / "bot.out").stat().st_mode & 0o777 == 0o600


async def test_a_command_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"^The bot cannot be started: no-such-bot: .+\.$"):
        await BotProcess(["no-such-bot"], os.environ, tmp_path / "bot.out").start()


@pytest.mark.parametrize(("command", "url"), [("", ""), ("python 'bot.py", ""), ("python bot.py", "localhost:1")])
def test_wrong_usage_starts_nothing(
    command: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIDETONE_DATA_DIR", str(tmp_path))

    assert run_bot_call(command, bot_url=url) == 2
    assert "--bot" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
