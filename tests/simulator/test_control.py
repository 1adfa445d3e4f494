"""/sim and the process around it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import stat
import sys
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from nacl.signing import SigningKey

from simulator.settings import Settings, SettingsError
from simulator.telnyx.webhooks.signing import load_signer

NUMBER = "+15550100031"


async def test_health_and_environment(simulator, control):
    health = (await control.get("/health")).json()
    assert health["status"] == "ok"
    assert health["calls"] == 0
    assert (health["speech"]["voice"] is None) == (find_spec("espeakng_loader") is None)
    environment = (await control.get("/environment")).json()
    assert environment["TELNYX_BASE_URL"] == f"http://127.0.0.1:{simulator.port}/v2"
    assert environment["ASSEMBLYAI_BASE_URL"] == f"ws://127.0.0.1:{simulator.port}"


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer wrong", "Basic x"])
async def test_everything_needs_the_token(simulator, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{simulator.port}/sim", headers=headers, trust_env=False
    ) as anybody:
        for method, path in [
            ("GET", "/health"),
            ("PUT", f"/numbers/{NUMBER}"),
            ("DELETE", "/faults"),
            ("GET", "/x"),
        ]:
            refused = await anybody.request(method, path)
            assert refused.status_code == 401
            assert refused.json()["error"]["message"].endswith(".")


NONSENSE = [
    ("PUT", f"/numbers/{NUMBER}", '{"turns": [{}]}', 422, "Turn 1 needs either user or dtmf."),
    ("PUT", f"/numbers/{NUMBER}", '{"keep": 1}', 422, "keep must be true or false."),
    ("PUT", f"/numbers/{NUMBER}", "{", 400, "The request body is not valid JSON"),
    ("PUT", "/numbers/123", "{}", 422, "number must be a phone number in +E164 format, not '123'."),
    ("POST", "/calls", "{}", 422, "Give exactly one of texml_url, stream_url, stream, connection_id and sip."),
    (
        "POST",
        "/calls",
        '{"from":"+15550100001","to":"1","texml_url":"http://x"}',
        422,
        "to must be a phone number",
    ),
    ("POST", "/calls", f'{{"from":"{NUMBER}","to":"{NUMBER}","texml_url":"ftp://x"}}', 422, "texml_url must be"),
    ("GET", "/calls/nothing", "", 404, "There is no such call"),
    ("POST", "/faults", '{"service":"fax","fault":{"where":"connect"}}', 422, "service must be one of"),
    (
        "POST",
        "/faults",
        '{"service":"openai","fault":{"where":"request","code":7}}',
        422,
        "The request is not valid: code",
    ),
    ("POST", "/health", "", 404, "The simulator has no POST /sim/health."),
    ("GET", "/nothing", "", 404, "The simulator has no GET /sim/nothing."),
]


async def test_requests_that_make_no_sense(control):
    for method, path, body, status, sentence in NONSENSE:
        refused = await control.request(method, path, content=body)
        assert refused.json()["error"]["message"].startswith(sentence)
        assert refused.status_code == status


async def test_a_script_serves_the_next_call_to_its_number_only_unless_kept(simulator, control):
    for keep, expected in ((False, [7, 0]), (True, [7, 7])):
        assert (await control.put(f"/numbers/{NUMBER}", json={"max_seconds": 7, "keep": keep})).status_code == 204
        found = [simulator.exchange.answerer_at(NUMBER).party.script.max_seconds for _ in expected]
        assert [seconds if seconds == 7 else 0 for seconds in found] == expected


def test_the_signing_key_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "key"
    first = load_signer(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_signer(path).public_key == first.public_key
    path.write_bytes(bytes(SigningKey.generate()) + b"x")
    with pytest.raises(ValueError, match="delete it"):
        load_signer(path)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "example.com", "::"])
def test_only_loopback_is_listened_on(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match=r"this machine only: use --host 127\.0\.0\.1"):
        Settings(data_dir=tmp_path, host=host)


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulator",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_process_says_where_it_is_and_leaves_cleanly(tmp_path: Path, number: signal.Signals):
    process = await start("--port", "0", "--data-dir", str(tmp_path))
    assert process.stdout is not None
    printed = [(await process.stdout.readline()).decode() for _ in range(10)]
    state_path = tmp_path / "simulator.json"
    assert stat.S_IMODE(state_path.stat().st_mode) == 0o600
    state = json.loads(state_path.read_text())
    assert state["pid"] == process.pid
    assert f"export OPENAI_BASE_URL=http://127.0.0.1:{state['port']}/v1\n" in printed
    async with httpx.AsyncClient(trust_env=False) as client:
        health = await client.get(
            f"http://127.0.0.1:{state['port']}/sim/health", headers={"Authorization": f"Bearer {state['token']}"}
        )
    assert health.json()["pid"] == process.pid
    process.send_signal(number)
    assert await process.wait() == 0
    assert not state_path.exists()
    assert process.stderr is not None
    assert b"Traceback" not in await process.stderr.read()


async def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = await start("--port", str(port), "--data-dir", str(tmp_path))
        _, error = await process.communicate()
    assert process.returncode == 1
    assert error.decode() == (
        f"Port {port} is already in use: stop what listens there or choose another with --port.\n"
    )
    assert not (tmp_path / "simulator.json").exists()


async def test_a_call_too_many_is_refused_and_leaves_nothing(simulator, control, bot, monkeypatch) -> None:
    monkeypatch.setattr("simulator.telnyx.calls.exchange._MAX_LIVE", 0)
    refused = await control.post("/calls", json={"texml_url": f"{bot.url}/texml"})
    assert (refused.status_code, "hang some up" in refused.json()["error"]["message"]) == (503, True)
    if simulator.webhooks._channels:
        await asyncio.wait(simulator.webhooks._channels)
    assert simulator.exchange.live == 0
