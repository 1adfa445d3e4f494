"""What the fake agent and the fake simulator have in common: a state file, a health path, and bad habits.

``habits`` in the data folder holds one line for each start to come: ``fail`` (write seven lines and end with
status 3), ``silent`` (end at once with status 1), or anything else for an ordinary start.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def run(name: str, port: int, folder: Path, answers: dict[str, object]) -> None:
    _live_up_to_habits(name, folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["authorization"] == "Bearer fake" and self.path in answers
            body = json.dumps(answers.get(self.path, {})).encode()
            self.send_response(200 if known else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError:
        sys.exit(f"Port {port} is already in use.")
    port = server.server_address[1]
    (folder / f"{name}.environment").write_text(json.dumps(dict(os.environ)))
    unfinished = folder / f"{name}.part"
    unfinished.write_text(json.dumps({"pid": os.getpid(), "port": port, "token": "fake", "version": "0"}))
    unfinished.replace(folder / f"{name}.json")
    answers.update({"/sim/environment": _environment(port)} if name == "simulator" else {})
    server.serve_forever()


def _environment(port: int) -> dict[str, str]:
    here = f"//127.0.0.1:{port}"
    return {
        "TELNYX_BASE_URL": f"http:{here}/v2", "TELNYX_API_KEY": "simulated", "TELNYX_PUBLIC_KEY": "key",
        "ASSEMBLYAI_BASE_URL": f"ws:{here}", "ASSEMBLYAI_API_KEY": "simulated",
        "OPENAI_BASE_URL": f"http:{here}/v1", "OPENAI_API_KEY": "simulated",
        "DEEPGRAM_BASE_URL": f"ws:{here}", "DEEPGRAM_API_KEY": "simulated",
    }  # fmt: skip


def _live_up_to_habits(name: str, folder: Path) -> None:
    habits = folder / f"{name}.habits"
    if not habits.exists():
        return
    habit, _, rest = habits.read_text().partition("\n")
    habits.write_text(rest)
    if habit == "fail":
        print(*(f"line {number}" for number in range(1, 8)), sep="\n", flush=True)
        sys.exit(3)
    if habit == "silent":
        sys.exit(1)
