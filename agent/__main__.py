"""``python -m agent``: the agent process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from dotenv import load_dotenv

from agent import api, definition, logs, memory, paths, settings
from agent.redact import Redactor

HOST = "127.0.0.1"
_MAX_MESSAGE = 1024 * 1024


def main() -> int:
    """Run until a signal ends it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="sidetone agent", description="The voice agent, alone, on 127.0.0.1.")
    parser.add_argument(
        "--port", type=int, help=f"default SIDETONE_AGENT_PORT or {settings.DEFAULT_PORT}; 0 is any free one"
    )
    parser.add_argument("--framework", choices=settings.FRAMEWORKS, help="default SIDETONE_FRAMEWORK or pipecat")
    parser.add_argument(
        "--rooms",
        action="store_true",
        help="take calls in LiveKit rooms too, as a worker; needs --framework livekit",
    )
    parser.add_argument(
        "--env-file", type=Path, default=Path(".env"), help="settings, default .env; see .env.example"
    )
    arguments = parser.parse_args()
    load_dotenv(arguments.env_file)
    # A proxy must not come between the agent and the services on this machine.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))
    if arguments.framework:
        os.environ["SIDETONE_FRAMEWORK"] = arguments.framework
    if arguments.rooms:
        os.environ["SIDETONE_ROOMS"] = "on"
    try:
        chosen = settings.read()
        persona = definition.load(chosen.definition)
    except (settings.SettingsError, definition.DefinitionError) as error:
        return _fail(str(error))
    other = _running()
    if other is not None:
        return _fail(
            f"An agent runs already (process {other.pid}, port {other.port}): stop it, or set SIDETONE_DATA_DIR."
        )
    port = chosen.port if arguments.port is None else arguments.port
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        return _fail(
            f"Port {port} cannot be used ({error.strerror}): stop what listens there or give another --port."
        )
    logs.to_file(paths.log_file("agent"), Redactor(chosen.secrets))
    with listener:
        return asyncio.run(_serve(chosen, persona, listener))


async def _serve(chosen: settings.Settings, persona: definition.Definition, listener: socket.socket) -> int:
    memory.begin_loading()
    import uvicorn

    from agent.agent import Agent
    from agent.journal import JournalError
    from agent.server import routes
    from agent.web_socket import OpenWebSocket

    try:
        agent = Agent(chosen, persona)
        port: int = listener.getsockname()[1]
        await agent.start(HOST, port)
    except (JournalError, definition.DefinitionError) as error:
        return _fail(str(error))
    logs.to_events(agent.log_event)
    server = uvicorn.Server(
        uvicorn.Config(
            routes(agent),
            ws=OpenWebSocket,
            ws_max_size=_MAX_MESSAGE,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    print(f"sidetone agent listens on {agent.url}", flush=True)
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await agent.stop("asked to stop" if stopping.is_set() else "the server ended")
    server.should_exit = True
    await serving
    return 0


def _running() -> api.AgentFile | None:
    known = api.AgentFile.read(paths.agent_file())
    if known is None:
        return None
    try:
        os.kill(known.pid, 0)
        with socket.create_connection((known.host, known.port), timeout=1):
            return known
    except OSError:
        return None


def _fail(text: str) -> int:
    print(text, file=sys.stderr)
    return 1


def _leave(status: int) -> None:
    """End the process, whose work is done and written.

    Not in Python's own way where LiveKit's client is loaded: a native thread of it that has something to tell
    while Python ends aborts the process.
    """
    if "livekit.rtc" not in sys.modules:
        sys.exit(status)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        _leave(main())
    else:
        uvloop.install()
        _leave(main())
