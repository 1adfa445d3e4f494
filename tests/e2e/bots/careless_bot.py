"""A bot with the usual mistakes: no rtp mode, short chunks, audio after stop, late webhook answers, no signatures.

Run: python careless_bot.py --port 8000
"""

import argparse
import asyncio
import base64
import contextlib
import os

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket

CHUNK = base64.b64encode((b"\x90" * 8 + b"\x10" * 8) * 5).decode()  # 10 ms of mu-law at 8 kHz
LATE_S = 3.0

app = FastAPI()


@app.post("/texml")
async def texml(request: Request, mode: str = "") -> Response:
    """`/texml?mode=rtp` has the mode right, so that the other mistakes are reached."""
    host, here = request.headers["host"], f"http://{request.headers['host']}"
    attribute = f' bidirectionalMode="{mode}"' if mode else ""
    return Response(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Connect>
    <Stream url="ws://{host}/media" statusCallback="{here}/stream-events"{attribute} />
  </Connect>
</Response>""",
        media_type="application/xml",
    )


@app.post("/stream-events")
async def stream_events() -> Response:
    await asyncio.sleep(LATE_S)
    return Response()


@app.websocket("/media")
async def media(socket: WebSocket) -> None:
    await socket.accept()
    with contextlib.suppress(Exception):
        while True:
            frame = await socket.receive_json()
            if frame["event"] == "start":
                for _ in range(100):
                    await play(socket)
            elif frame["event"] == "media" and int(frame["media"]["chunk"]) % 150 == 0:
                for _ in range(50):
                    await play(socket)
            elif frame["event"] == "stop":
                for _ in range(50):
                    await play(socket)
                    await asyncio.sleep(0.01)


async def play(socket: WebSocket) -> None:
    await socket.send_json({"event": "media", "media": {"payload": CHUNK}})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    uvicorn.run(app, port=parser.parse_args().port)
