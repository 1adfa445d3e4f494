"""The two agents under measure, each as a process, and how a telephone reaches them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
from nacl.signing import SigningKey

ROOT = Path(__file__).parents[2]
_KEY = SigningKey.generate()


def environment(stand_ins: int) -> dict[str, str]:
    """What points an agent at the stand-ins on a port."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TELNYX_BASE_URL": f"http://127.0.0.1:{stand_ins}/v2",
        "TELNYX_API_KEY": "simulated",
        "TELNYX_PUBLIC_KEY": base64.b64encode(bytes(_KEY.verify_key)).decode(),
        "TELNYX_CONNECTION_ID": "1494404757140276701",
        "TELNYX_PHONE_NUMBER": "+15550100000",
        "ASSEMBLYAI_BASE_URL": f"ws://127.0.0.1:{stand_ins}",
        "ASSEMBLYAI_API_KEY": "simulated",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{stand_ins}/v1",
        "OPENAI_API_KEY": "simulated",
        "DEEPGRAM_BASE_URL": f"ws://127.0.0.1:{stand_ins}",
        "DEEPGRAM_API_KEY": "simulated",
    }


class Agent:
    """A running agent; ``dial_in`` gives the media address for one more call."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, ours: bool, token: str = "") -> None:
        self._process, self._port, self._ours = process, port, ours
        self.token, self.url = token, f"http://127.0.0.1:{port}"

    @property
    def rss_mb(self) -> float:
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def dial_in(self) -> tuple[str, str]:
        """The media socket's address and the call's id."""
        call = f"v3:{secrets.token_hex(16)}"
        if not self._ours:
            return f"ws://127.0.0.1:{self._port}/ws", call
        body = urlencode({"CallSid": call, "From": "+15550100177", "To": "+15550100000"}).encode()
        stamp = str(int(time.time()))
        signature = base64.b64encode(_KEY.sign(stamp.encode() + b"|" + body).signature).decode()
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            answer = await client.post(
                f"http://127.0.0.1:{self._port}/texml",
                content=body,
                headers={"telnyx-timestamp": stamp, "telnyx-signature-ed25519": signature},
            )
        return answer.text.partition('url="')[2].partition('"')[0], call


@contextlib.asynccontextmanager
async def ours(stand_ins: int, framework: str = "pipecat") -> AsyncIterator[Agent]:
    """``python -m agent``, loaded."""
    with tempfile.TemporaryDirectory() as data:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "agent", "--port", "0"),
            env={
                **environment(stand_ins),
                "SIDETONE_DATA_DIR": data,
                "SIDETONE_FRAMEWORK": framework,
                "MALLOC_ARENA_MAX": "1",
                "MALLOC_TRIM_THRESHOLD_": "100000",
            },
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            file = Path(data) / "agent.json"
            while not file.exists():
                await asyncio.sleep(0.05)
            state = json.loads(file.read_text())
            agent = Agent(process, state["port"], ours=True, token=state["token"])
            await agent.dial_in()
            yield agent
        finally:
            process.terminate()
            await process.wait()


@contextlib.asynccontextmanager
async def bare(stand_ins: int) -> AsyncIterator[Agent]:
    """``bare_bot.py``, listening."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "tests/bench/bare_bot.py"), str(port), env=environment(stand_ins)
    )
    try:
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.05)
        yield Agent(process, port, ours=False)
    finally:
        process.terminate()
        await process.wait()
