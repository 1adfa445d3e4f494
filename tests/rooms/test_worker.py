from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit.agents import JobRequest

from agent import events
from agent.agent import Agent
from agent.limits import Refused
from agent.rooms.load import LoadMeter
from agent.rooms.worker import Worker
from tests.agent.line_at_hand import of_kind
from tests.rooms.participants import SimulatedSip
from tests.rooms.room_house import RoomHouse, room_house
from tests.rooms.servers import LiveKitServer
from tests.rooms.sip_service import SipService


@pytest.fixture
async def house(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RoomHouse]:
    async with room_house(livekit_server, tmp_path, monkeypatch, SIDETONE_MAX_CALLS="1") as made:
        yield made


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> LiveKitServer:
    """A server that is not up yet, to be killed at will."""
    return LiveKitServer(tmp_path_factory.mktemp("own"))


async def test_health_tells_of_the_worker_and_its_page_is_on_this_machine(house: RoomHouse) -> None:
    health = (await house.http.get("/health", headers=house.bearer)).json()
    worker = health["worker"]
    assert (worker["state"], worker["agent_name"], worker["url"]) == ("registered", house.name, house.server.url)
    assert worker["worker_id"].startswith("AW_")
    assert health["problems"] == []
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"http://127.0.0.1:{worker['port']}/")).text == "OK"
    with socket.socket() as taken:
        taken.bind(("127.0.0.2", worker["port"]))


async def test_an_agent_that_still_loads_is_connecting(house: RoomHouse) -> None:
    loading = Agent(house.agent.settings, house.agent.definition).health().worker
    assert loading is not None
    assert (loading.state, loading.agent_name, loading.url) == ("connecting", house.name, house.server.url)


async def test_the_load_is_told_live(house: RoomHouse) -> None:
    load = await house.told("", "worker.load")
    assert 0 <= load.load <= 1
    assert (load.limit, load.most_jobs, load.seq) == (1, 1, 0)


async def test_a_job_beyond_the_limit_is_refused_in_a_sentence(house: RoomHouse) -> None:
    async with SimulatedSip(house.server, "w-first"), SimulatedSip(house.server, "w-second", identity="other"):
        await house.dispatch("w-first")
        await house.job()
        await house.dispatch("w-second")
        refused = await house.told("", "worker.refused")
        assert refused.room == "w-second"
        assert "SIDETONE_MAX_CALLS=1" in refused.reason
        assert house.framework.jobs.empty()
        worker = (await house.http.get("/health", headers=house.bearer)).json()["worker"]
        assert (worker["refused"], worker["jobs"]) == (1, 1)


async def test_a_call_of_another_agent_is_left_to_that_agent(house: RoomHouse) -> None:
    await house.dispatch("w-other", json.dumps({"call": "c_theirs"}))
    refused = await house.told("", "worker.refused")
    assert "c_theirs was dialled by another agent" in refused.reason
    assert not len(house.agent.calls)


@pytest.mark.parametrize("metadata", ["", "not json", "[1]", '{"call": 7}', '{"src": "inbound"}'])
async def test_metadata_that_names_no_call_of_ours_is_an_incoming_call(house: RoomHouse, metadata: str) -> None:
    async with SimulatedSip(house.server, f"w-{len(metadata)}") as phone:
        await house.dispatch(f"w-{len(metadata)}", metadata)
        job = await house.job()
        assert house.agent.stream.calls[job.call].from_ == "+15550100177"
        await phone.hang_up()
        await house.told(job.call, "call.ended")


async def test_the_agent_comes_into_a_room_once(house: RoomHouse) -> None:
    async with SimulatedSip(house.server, "w-twice"):
        await house.dispatch("w-twice")
        await house.job()
        await house.dispatch("w-twice")
        assert "in the room w-twice already" in (await house.told("", "worker.refused")).reason


async def test_of_two_agents_of_one_name_the_one_that_dialled_has_the_call(
    livekit_server: LiveKitServer, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path_factory.mktemp("two") for _ in range(2)]
    async with SipService(livekit_server).running() as trunk:

        def agent(folder: Path) -> contextlib.AbstractAsyncContextManager[RoomHouse]:
            return room_house(
                livekit_server, folder, monkeypatch, LIVEKIT_URL=trunk.url, SIDETONE_AGENT_NAME="the-same-name"
            )

        async with agent(folders[0]) as first, agent(folders[1]) as second:
            for house in (first, second, first, second):
                answer = await house.dial()
                assert answer.status_code == 201, answer.text
                job = await house.job()
                assert job.call == answer.json()["call"]
                await trunk.phones[-1].hang_up()
                await house.told(job.call, "call.ended")


async def test_a_job_that_no_agent_takes_fails_the_call(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.rooms.dialling._JOB_S", 0.5)

    def refuse(_calls: object, _room: str, _metadata: str) -> bool:
        raise Refused("Not now.")

    monkeypatch.setattr("agent.rooms.room_calls.RoomCalls._check", refuse)
    async with (
        SipService(livekit_server).running() as trunk,
        room_house(livekit_server, tmp_path, monkeypatch, LIVEKIT_URL=trunk.url) as house,
    ):
        answer = await house.dial()
        assert answer.status_code == 502
        assert "to no agent" in answer.json()["error"]
        ended = await house.told_any("call.ended")
        assert (ended.cause, ended.source) == ("dial_failed", "carrier")
        await house.ended(house.agent.stream.calls[ended.call].room.name)
        assert not trunk.asked


async def test_a_room_that_an_earlier_run_left_is_ended_at_the_next_start(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room_house(livekit_server, tmp_path, monkeypatch) as house:
        house.agent.stream.emit(
            events.CallInitiated(direction="inbound", from_="+15550100177", to="", line="livekit"), "c_left"
        )
        opened = events.RoomOpened(room="w-left", url=house.server.url, agent_name=house.name)
        house.agent.stream.emit(opened, "c_left")
    async with SimulatedSip(livekit_server, "w-left") as phone:
        async with room_house(livekit_server, tmp_path, monkeypatch) as house:
            assert (await house.told("c_left", "call.ended")).cause == "agent_lost"
            await phone.until(lambda: phone.reason)
        assert phone.reason == "room_deleted"


async def test_calls_leave_nothing_behind(house: RoomHouse) -> None:
    def running() -> tuple[int, int]:
        # The loop's pool, and LiveKit's client, take threads when they need some and keep them.
        kept = ("asyncio_", "Dummy-")
        threads = [thread for thread in threading.enumerate() if not thread.name.startswith(kept)]
        return len(asyncio.all_tasks()), len(threads)

    counts: list[tuple[int, int]] = []
    for number in range(4):
        async with SimulatedSip(house.server, f"w-left-{number}") as phone:
            await house.dispatch(f"w-left-{number}")
            job = await house.job()
            await phone.hang_up()
            await house.told(job.call, "call.ended")
        await house.ended(f"w-left-{number}")
        async with asyncio.timeout(30):
            while (await house.http.get("/health", headers=house.bearer)).json()["worker"]["jobs"]:
                await asyncio.sleep(0.05)
        counts.append(running())
    async with asyncio.timeout(30):
        while any(now > before for now, before in zip(running(), counts[0], strict=True)):
            await asyncio.sleep(0.05)


async def test_a_busy_agent_refuses_jobs_and_dials(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room_house(livekit_server, tmp_path, monkeypatch, SIDETONE_MAX_LOAD="0.5") as house:
        monkeypatch.setattr("agent.rooms.load.LoadMeter.value", 0.72)
        await house.dispatch("w-busy")
        assert (
            "load of 72% is at the limit, SIDETONE_MAX_LOAD=0.5" in (await house.told("", "worker.refused")).reason
        )
        answer = await house.dial()
        assert answer.status_code == 503
        assert "busy" in answer.json()["error"]


async def test_a_full_load_is_no_limit_at_one(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.rooms.load.LoadMeter.value", 1.0)
    async with (
        room_house(livekit_server, tmp_path, monkeypatch) as house,
        SimulatedSip(house.server, "w-full"),
    ):
        await house.dispatch("w-full")
        await house.job()


async def test_nothing_is_uploaded_for_a_project_that_records(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    offered = Worker._offered

    async def recorded(worker: Worker, request: JobRequest) -> None:
        request.job.enable_recording = True
        await offered(worker, request)

    async def take(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    monkeypatch.setattr(Worker, "_offered", recorded)
    async with TestServer(app, host="127.0.0.1") as cloud:
        monkeypatch.setenv("LIVEKIT_OBSERVABILITY_URL", str(cloud.make_url("")))
        async with (
            room_house(livekit_server, tmp_path, monkeypatch) as house,
            SimulatedSip(house.server, "w-recorded") as phone,
        ):
            await house.dispatch("w-recorded")
            job = await house.job()
            logging.getLogger("agent").error("a line of the log")
            await phone.hang_up()
            await house.told(job.call, "call.ended")
            async with asyncio.timeout(30):
                while (await house.http.get("/health", headers=house.bearer)).json()["worker"]["jobs"]:
                    await asyncio.sleep(0.05)
    assert not asked


async def test_the_loop_s_own_work_is_load() -> None:
    meter = LoadMeter(machine=lambda: 0.0)
    until = time.monotonic() + 60
    while meter.value < 0.3 and time.monotonic() < until:
        began = time.thread_time()
        while time.thread_time() - began < 0.05:
            pass
        await asyncio.sleep(0)
    assert meter.value >= 0.3
    meter.stop()


async def test_a_server_that_is_not_there_is_told_and_tried_again(
    own_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room_house(own_server, tmp_path, monkeypatch, registered=False) as house:
        lost = await house.told("", "worker.state", lambda event: event.state == "lost")
        assert "cannot be reached" in lost.detail
        health = (await house.http.get("/health", headers=house.bearer)).json()
        assert any("cannot be reached" in problem for problem in health["problems"])
        answer = await house.dial()
        assert answer.status_code == 503
        assert "cannot be reached" in answer.json()["error"]
        with contextlib.closing(own_server.start()):
            await house.told("", "worker.state", lambda event: event.state == "registered")
    states = [event.state for event in of_kind(house, events.WorkerState)]
    assert states[:3] == ["connecting", "lost", "registered"]
    assert states[-2:] == ["draining", "stopped"]


async def test_a_server_that_dies_loses_the_call_and_not_the_agent(
    own_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(own_server.start()):
        async with room_house(own_server, tmp_path, monkeypatch) as house:
            async with SimulatedSip(own_server, "w-dies"):
                await house.dispatch("w-dies")
                job = await house.job()
                own_server.kill()
                await house.told("", "worker.state", lambda event: event.state == "lost")
                ended = await house.told(job.call, "call.ended")
                assert ended.cause != "normal_clearing"
                assert ended.source == "carrier"
                assert (await house.http.get("/health", headers=house.bearer)).json()["calls"] == 0
            own_server.start()
            lost = next(event for event in of_kind(house, events.WorkerState) if event.state == "lost")
            await house.told(
                "", "worker.state", lambda event: event.state == "registered" and event.seq > lost.seq
            )


async def test_a_wrong_secret_is_told_without_it(
    livekit_server: LiveKitServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = "wrong-" * 8
    caplog.set_level(logging.DEBUG)
    async with room_house(
        livekit_server, tmp_path, monkeypatch, registered=False, LIVEKIT_API_SECRET=secret
    ) as house:
        lost = await house.told("", "worker.state", lambda event: event.state == "lost")
        assert "LIVEKIT_API_SECRET" in lost.detail
        assert secret.encode() not in b"".join(house.agent._journal.read_from(0))
    assert secret not in caplog.text


async def test_a_health_port_that_is_taken_is_told(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with room_house(
            livekit_server, tmp_path, monkeypatch, registered=False, SIDETONE_WORKER_PORT=str(port)
        ) as house:
            stopped = await house.told("", "worker.state", lambda event: event.state == "stopped")
            assert "SIDETONE_WORKER_PORT" in stopped.detail
            assert (await house.http.get("/health", headers=house.bearer)).status_code == 200


async def test_stopping_ends_a_room_that_nobody_has_come_into(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room_house(livekit_server, tmp_path, monkeypatch) as house:
        await house.dispatch("w-empty")
        assert house.agent.rooms is not None
        async with asyncio.timeout(60):
            while not any(room.entered for room in house.agent.rooms._up.values()):
                await asyncio.sleep(0.05)
    assert "w-empty" not in await house.rooms()
    assert not of_kind(house, events.Error)


async def test_stopping_hangs_up_and_leaves_the_server(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with room_house(livekit_server, tmp_path, monkeypatch) as house:
            phone = await stack.enter_async_context(SimulatedSip(house.server, "w-stop"))
            await house.dispatch("w-stop")
            job = await house.job()
        await phone.until(lambda: phone.reason)
        assert phone.reason == "room_deleted"
        ended = next(event for event in of_kind(house, events.CallEnded) if event.call == job.call)
        assert ended.source == "agent"
        assert of_kind(house, events.WorkerState)[-1].state == "stopped"
        await house.ended("w-stop")
