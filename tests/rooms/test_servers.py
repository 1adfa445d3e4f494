"""What the tests of rooms stand on: real servers, a worker that gets a job, and the people in a room."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from livekit import api, rtc
from livekit.agents import AgentServer, JobContext, JobExecutorType

from simulator.audio import Samples
from simulator.caller.party import NARROWBAND
from tests.rooms.participants import NUMBER, SimulatedSip, listener, speaker
from tests.rooms.servers import LiveKitServer, need_livekit_server

TONE_HZ = 440


def tone(seconds: float, rate: int = NARROWBAND) -> Samples:
    return (8000 * np.sin(2 * np.pi * TONE_HZ * np.arange(int(seconds * rate)) / rate)).astype(np.int16)


def pitch(samples: Samples, rate: int = NARROWBAND) -> float:
    """The strongest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return float(spectrum.argmax() * rate / len(samples))


def listening(process: psutil.Process) -> set[str]:
    return {connection.laddr.ip for connection in process.net_connections() if connection.laddr}


async def test_a_worker_registers_gets_its_job_and_is_heard(livekit_server: LiveKitServer) -> None:
    jobs: list[str] = []

    async def entrypoint(context: JobContext) -> None:
        jobs.append(context.job.metadata)
        await context.connect()
        source = rtc.AudioSource(16_000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("tone", source)
        await context.room.local_participant.publish_track(track)
        samples = tone(3, 16_000)
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), 16_000, 1, len(samples)))

    worker = AgentServer(
        job_executor_type=JobExecutorType.THREAD,
        load_threshold=math.inf,
        load_fnc=lambda _: 0.0,
        num_idle_processes=0,
        ws_url=livekit_server.url,
        api_key=livekit_server.key,
        api_secret=livekit_server.secret,
        host="127.0.0.1",
        port=0,
    )
    worker.rtc_session(entrypoint, agent_name="tuning-fork")
    registered = asyncio.Event()
    worker.on("worker_registered", lambda *_: registered.set())
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(60):
            await registered.wait()
        async with livekit_server.api() as lk, listener(livekit_server, "concert") as guest:
            wanted = api.CreateAgentDispatchRequest(agent_name="tuning-fork", room="concert", metadata="a'")
            await lk.agent_dispatch.create_dispatch(wanted)
            await guest.until(lambda: any(guest.voiced_ms(who) > 1000 for who in guest.others))
            (who,) = guest.others
            heard = guest.heard(who)
            await lk.room.delete_room(api.DeleteRoomRequest(room="concert"))
            await guest.until(lambda: guest.reason)
    finally:
        await worker.aclose()
        await running

    assert jobs == ["a'"]
    assert pitch(heard[np.abs(heard) > 0]) == pytest.approx(TONE_HZ, abs=20)
    assert guest.reason == "room_deleted"


async def test_a_telephone_rings_until_it_hears_somebody_and_hears_all(livekit_server: LiveKitServer) -> None:
    async with (
        listener(livekit_server, "call", "ann") as ann,
        SimulatedSip(livekit_server, "call") as phone,
        speaker(livekit_server, "call", "agent") as agent,
    ):
        await agent.until(lambda: phone.identity in agent.others)
        seen = agent.others[phone.identity]
        assert (seen.kind, seen.attributes["sip.callStatus"]) == (
            rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
            "ringing",
        )
        assert seen.attributes["sip.phoneNumber"] == NUMBER

        await agent.open_microphone()
        await agent.until(lambda: seen.attributes["sip.callStatus"] == "active")
        await agent.say_until(tone(1), lambda: phone.voiced_ms("agent") > 500)
        for other in (agent, ann):
            await phone.say_until(tone(1), lambda other=other: other.voiced_ms(phone.identity) > 500)

        # Who listens is seen by nobody.
        assert set(agent.others) == {phone.identity}
        assert "ann" not in phone.others
        await phone.hang_up()
        await agent.until(lambda: phone.identity not in agent.others)

    assert phone.reason == "client_initiated"


async def test_a_telephone_that_is_called_is_answered_by_hand(livekit_server: LiveKitServer) -> None:
    async with speaker(livekit_server, "out", "agent") as agent:
        await agent.open_microphone()
        async with SimulatedSip(livekit_server, "out", identity="callee", outgoing=True) as phone:
            await agent.until(lambda: "callee" in agent.others)
            seen = agent.others["callee"]
            await phone.until(lambda: phone.heard_ms("agent"))
            assert phone.status == "ringing"

            await phone.answer()
            await agent.until(lambda: seen.attributes["sip.callStatus"] == "active")


async def test_nothing_listens_to_other_machines(trunk_server: LiveKitServer) -> None:
    async with speaker(trunk_server, "alone") as guest:
        await guest.open_microphone()

        for server in (trunk_server, trunk_server.redis):
            assert server is not None
            assert listening(psutil.Process(server.pid)) == {"127.0.0.1"}


async def test_trunks_and_rules_are_kept(trunk_server: LiveKitServer) -> None:
    trunk = api.SIPInboundTrunkInfo(name="in", numbers=["+15550100000"])
    async with trunk_server.api() as lk:
        made = await lk.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=trunk))
        listed = await lk.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        await lk.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=made.sip_trunk_id))

    assert [item.sip_trunk_id for item in listed.items] == [made.sip_trunk_id]


def test_a_server_that_crashed_comes_back_where_it_was(tmp_path: Path) -> None:
    need_livekit_server()
    server = LiveKitServer(tmp_path).start()
    try:
        url = server.url
        server.kill()
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", server.port), 1)
        assert server.start().url == url
    finally:
        server.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_server_goes_with_the_process_that_started_it(tmp_path: Path) -> None:
    need_livekit_server()
    script = """
import json, os, pathlib, sys
from tests.rooms.servers import LiveKitServer
server = LiveKitServer(pathlib.Path(sys.argv[1])).start()
print(json.dumps(server.pid), flush=True)
os.kill(os.getpid(), 9)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script, tmp_path], cwd=root, stdout=subprocess.PIPE, check=False)

    assert done.returncode == -9
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(json.loads(done.stdout)).wait(30)
