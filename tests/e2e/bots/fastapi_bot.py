"""A bot as a Telnyx user writes it from Telnyx's description of TeXML and media streaming: no framework.

It beeps when it is called and after each thing the caller says, and says goodbye on the key #.
Run: python fastapi_bot.py --port 8000
"""

import argparse
import base64
import os

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response, WebSocket, WebSocketDisconnect
from telnyx import AsyncTelnyx

CHUNK = 160  # 20 ms of mu-law at 8 kHz
BEEP = (b"\x90" * 8 + b"\x10" * 8) * 10 * 40  # 800 ms, 500 Hz
QUIET_CHUNKS = 25

app = FastAPI()
telnyx = AsyncTelnyx()


@app.post("/texml")
async def texml(request: Request) -> Response:
    await verified(request)
    host = os.environ.get("PUBLIC_HOST") or request.headers["host"]
    return Response(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Connect>
    <Stream url="wss://{host}/media" bidirectionalMode="rtp" bidirectionalCodec="PCMU" />
  </Connect>
</Response>""",
        media_type="application/xml",
    )


@app.post("/webhooks")
async def webhooks(request: Request) -> dict[str, bool]:
    await verified(request)
    return {"ok": True}


@app.websocket("/media")
async def media(socket: WebSocket) -> None:
    await socket.accept()
    call, quiet, heard, beeps = "", 0, False, 0
    try:
        while True:
            frame = await socket.receive_json()
            event = frame["event"]
            if event == "start":
                call = frame["start"]["call_control_id"]
                await play(socket, BEEP, "hello")
            elif event == "media":
                if loud(base64.b64decode(frame["media"]["payload"])):
                    heard, quiet = True, 0
                else:
                    quiet += 1
                if heard and quiet == QUIET_CHUNKS:
                    heard, beeps = False, beeps + 1
                    await play(socket, BEEP, f"answer-{beeps}")
            elif event == "mark":
                print("heard to the end:", frame["mark"]["name"], flush=True)
            elif event == "dtmf":
                print("key:", frame["dtmf"]["digit"], flush=True)
                if frame["dtmf"]["digit"] == "#":
                    await telnyx.calls.actions.hangup(call)
            elif event == "stop":
                break
    except WebSocketDisconnect:
        return
    await socket.close()


async def play(socket: WebSocket, audio: bytes, name: str) -> None:
    for start in range(0, len(audio), CHUNK):
        payload = base64.b64encode(audio[start : start + CHUNK]).decode()
        await socket.send_json({"event": "media", "media": {"payload": payload}})
    await socket.send_json({"event": "mark", "mark": {"name": name}})


def loud(payload: bytes) -> bool:
    """In mu-law the low seven bits fall as the sample grows."""
    return sum((byte & 0x7F) < 0x40 for byte in payload) > len(payload) // 10


async def verified(request: Request) -> None:
    try:
        # The SDK reads JSON; TeXML is asked for with a form, so the signature alone is checked here.
        verify(await request.body(), request.headers)
    except ValueError as error:
        raise HTTPException(401, str(error)) from error


def verify(body: bytes, headers) -> None:
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    key = VerifyKey(base64.b64decode(os.environ["TELNYX_PUBLIC_KEY"]))
    stamp = headers.get("telnyx-timestamp", "")
    try:
        key.verify(stamp.encode() + b"|" + body, base64.b64decode(headers.get("telnyx-signature-ed25519", "")))
    except BadSignatureError as error:
        raise ValueError("not from Telnyx") from error


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    uvicorn.run(app, port=parser.parse_args().port)
