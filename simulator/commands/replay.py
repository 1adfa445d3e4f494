"""`sidetone simulator call --replay`: the frames of a recorded call again, the same bytes at the same times."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from pathlib import Path


async def run(file: Path, url: str, auth_token: str | None, as_json: bool) -> int:
    """Returns the exit status: 0 when every frame was sent and the bot said something."""
    from simulator.recording.replay import Replay, ReplayError
    from simulator.recording.replayer import Replayer

    try:
        record = await asyncio.to_thread(Replay.load, file)
        summary = await Replayer(record.plan(auth_token), url).run()
    except ReplayError as error:
        if as_json:
            print(json.dumps({"ok": False, "failure": str(error)}))
        print(f"✗ {error}", file=sys.stderr)
        return 1
    failure = ""
    if summary.sent < summary.planned:
        failure = "The bot closed the stream before every frame was sent."
    elif not summary.received:
        failure = "The bot sent nothing."
    if as_json:
        counts = dataclasses.asdict(summary)
        del counts["late_ns"]
        lateness = {f"late_ms_p{part}": round(summary.late_ms(part / 100), 3) for part in (50, 99, 100)}
        print(json.dumps({"ok": not failure, "failure": failure or None, **counts, **lateness}))
    else:
        print(summary.sentence())
    if failure:
        print(f"✗ {failure}", file=sys.stderr)
    return 1 if failure else 0
