"""In place of ``python -m console.sound``: writes down its orders and answers as it is told to.

``$FAKE_SOUND`` is a folder: orders are appended to ``orders`` there. What it does with an order says
``answers.json``: the type of an order and the lines that answer it, where ``!die`` ends the process with status 3,
``!wait`` waits for ``go`` in the folder, and anything else is written as it is.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

folder = Path(os.environ["FAKE_SOUND"])
file = folder / "answers.json"
answers = json.loads(file.read_text()) if file.exists() else {}


def do(line: str) -> None:
    if line == "!die":
        print("ALSA lib: the card is on fire", file=sys.stderr, flush=True)
        os._exit(3)
    if line == "!wait":
        while not (folder / "go").exists():
            time.sleep(0.005)
        return
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


(folder / "environment.json").write_text(json.dumps(dict(os.environ)))
do(json.dumps({"type": "ready", "pid": os.getpid(), "version": "fake"}))
for order in sys.stdin:
    with (folder / "orders").open("a") as written:
        written.write(order)
    for answer in answers.get(json.loads(order)["type"], ()):
        do(answer)
with (folder / "orders").open("a") as written:
    written.write('{"type":"eof"}\n')
