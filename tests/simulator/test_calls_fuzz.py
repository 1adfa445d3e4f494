"""Whatever a client sends while calls are up: an answer or a refusal in Telnyx's shape, on one connection."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import BaseRoute, Mount, Route

from simulator.server import Simulator
from simulator.settings import Settings
from tests.simulator import requests_examples as examples
from tests.simulator.call_house import NOBODY_TALKS
from tests.simulator.json_values import paths, replaced

NOWHERE = "127.0.0.1:9"
NEVER_ANSWERS = "+15550101408"
KEY = {"Authorization": "Bearer any"}
JSON_BODY = {"Content-Type": "application/json"}
FORM_BODY = {"Content-Type": "application/x-www-form-urlencoded"}


class Client:
    """A simulator on a thread of its own, and one connection to it that must last."""

    def __init__(self, data_dir: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.simulator: Simulator = self.run(self._start(data_dir))
        self.connection = http.client.HTTPConnection("127.0.0.1", self.simulator.port, timeout=30)
        self.connection.connect()
        self.connection.auto_open = 0
        self._call = ""
        application = {"application_name": "Fuzzed", "webhook_event_url": f"http://{NOWHERE}/"}
        made = self.ask("POST", "/v2/call_control_applications", application)
        self.application: str = made["data"]["id"]
        self.spare: str = self.ask("POST", "/v2/call_control_applications", application)["data"]["id"]
        """One that may be deleted."""

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _start(self, data_dir: Path) -> Simulator:
        simulator = Simulator(Settings(port=0, data_dir=data_dir, ring_ms=0))
        await simulator.start()
        return simulator

    def close(self) -> None:
        self.connection.close()
        self.run(self.simulator.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        self.connection.request(method, path, body, KEY | (headers or {}))
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def ask(self, method: str, path: str, body: Any) -> Any:
        """What the simulator answers to what is right."""
        status, answer = self.send(method, path, json.dumps(body).encode(), JSON_BODY)
        assert status < 300, answer
        return json.loads(answer)

    def call(self) -> str:
        """The id of a call that is answered."""
        leg = self.simulator.exchange.find(self._call)
        if leg is None or leg.hangup is not None:
            order = {"connection_id": self.application, "script": NOBODY_TALKS}
            placed = self.send(
                "POST",
                "/sim/calls",
                json.dumps(order).encode(),
                {"Authorization": f"Bearer {self.simulator.token}"},
            )
            self._call = json.loads(placed[1])["call_control_id"]
            self.ask("POST", f"/v2/calls/{self._call}/actions/answer", {})
            leg = self.simulator.exchange.find(self._call)
            assert leg is not None
            self.run(leg.answered.wait())
        return self._call

    def end_all(self) -> None:
        """Hang up every call; none of them may have failed."""

        async def reports() -> list[dict[str, Any]]:
            legs = self.simulator.exchange.all_legs()
            for leg in legs:
                leg.application_hangs_up()
            return [leg.report() for leg in legs]

        failed = [
            line for report in self.run(reports()) for line in report["warnings"] if "simulator failed" in line
        ]
        assert failed == []


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(tmp_path_factory.mktemp("fuzzed"))
    yield client
    client.close()


def check(request: Any, status: int, body: bytes) -> None:
    """Telnyx's shape, whatever was asked."""
    shown = (request, status, body[:500])
    assert status < 500, shown
    if status < 400:
        return
    errors = json.loads(body)["errors"]
    assert len(errors) == 1, shown
    if status == 404 and set(errors[0]) == {"detail"}:
        assert "/texml" in str(request), shown
        return
    assert isinstance(errors[0]["code"], str), shown
    assert re.fullmatch(r"\d{5}", errors[0]["code"]), shown
    assert errors[0]["title"], shown
    assert errors[0]["detail"].endswith("."), shown


def here(example: Any) -> Any:
    """An example whose addresses lead nowhere, and whose numbers never answer."""
    text = (
        json.dumps(example)
        .replace("sip:bob@example.com;secure=srtp", NEVER_ANSWERS)
        .replace("://example.com", f"://{NOWHERE}")
        .replace('"https:', '"http:')
    )
    return json.loads(text.replace('"wss:', '"ws:').replace("+15550100002", NEVER_ANSWERS))


def routes_of(routes: list[BaseRoute], above: str = "") -> Iterator[str]:
    for route in routes:
        if isinstance(route, Mount):
            yield from routes_of(route.routes, above + route.path)
        elif isinstance(route, Route) and (above + route.path).startswith("/v2"):
            yield above + route.path


def all_paths(client: Client) -> list[str]:
    app: Any = client.simulator._server.config.app
    found = sorted(set(routes_of(app.routes)))
    assert len(found) > 40
    return found


WRONG: list[Any] = [[[]], {"a": [5]}, -(10**40), 1e308, "\x00", True, "+" * 300]


@pytest.mark.parametrize("name", sorted(examples.COMMANDS))
def test_every_value_of_a_command_replaced_by_nonsense(client: Client, name: str) -> None:
    example = here(examples.COMMANDS[name])
    example.pop("command_id", None)
    method = "PUT" if name == "client_state_update" else "POST"
    for path, wrong in itertools.product(paths(example), WRONG):
        body = json.dumps(replaced(example, path, wrong)).encode()
        status, answer = client.send(method, f"/v2/calls/{client.call()}/actions/{name}", body, JSON_BODY)
        check((name, path, wrong), status, answer)
    client.end_all()


@pytest.mark.parametrize("name", ["/v2/calls", "/v2/texml/calls/{}", "/v2/texml/Accounts/any/Calls"])
def test_every_value_of_a_dial_replaced_by_nonsense(client: Client, name: str) -> None:
    if name == "/v2/calls":
        example = here(examples.DIAL) | {"connection_id": client.application, "link_to": client.call()}
        example["supervise_call_control_id"] = example["link_to"]
        del example["command_id"]
    else:
        example = here(examples.TEXML_CALL)
    for path, wrong in itertools.product(paths(example), WRONG):
        body = json.dumps(replaced(example, path, wrong)).encode()
        status, answer = client.send("POST", name.format(client.application), body, JSON_BODY)
        check((name, path, wrong), status, answer)
    client.end_all()


IDS = st.sampled_from(
    ["1", "v3:" + "x" * 54, "%00", "%FF", "..", "a%2Fb", "+15550100000", "%F0%9F%93%9E", "9" * 400]
)
BODIES = (
    st.binary(max_size=60)
    | st.text(max_size=20).map(str.encode)
    | st.sampled_from(
        [
            b"[]",
            b"null",
            b"5",
            b'"a"',
            b"{",
            b'{"a":1e999}',
            b'{"to":"\\ud800"}',
            b'{"to":' + b"[" * 5000 + b"]" * 5000 + b"}",
            b"{" + b'"a":{' * 2000 + b"}" * 2001,
            '{"to":"é"}'.encode("latin-1"),
            '{"to":"+1"}'.encode("utf-16"),
            b'\xef\xbb\xbf{"to":"+1"}',
            b"To=%ff&From=%00",
            b"&".join(b"a%d=1" % number for number in range(2000)),
            b'{"timeout_secs":' + b"9" * 5000 + b"}",
        ]
    )
)
TYPES = st.sampled_from(
    [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data",
        "",
        ";;",
        "x" * 300,
    ]
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY"])
QUERY_NAMES = st.sampled_from(
    [
        "page[number]",
        "page[size]",
        "page[after]",
        "page[limit]",
        "Page",
        "PageSize",
        "PageToken",
        "Status",
        "StartTime",
        "sort",
        "filter[status]",
        "filter[leg_id]",
        "filter[occurred_at][gt]",
        "filter[created_at][gte]",
        "filter[attempts][contains]",
        "filter[phone_number][contains]",
        "filter",
        "filter[",
        "[]",
    ]
)
QUERY_VALUES = st.text("0aZ+-./ \x00é[]%", max_size=6) | st.integers().map(str) | st.just("9" * 5000)


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    database=None,
)
@given(data=st.data())
def test_any_request_to_any_path(client: Client, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(all_paths(client)), label="path")
    path = re.sub(r"\{call_control_id\}|\{call_sid\}", lambda _: data.draw(st.just(client.call()) | IDS), path)
    path = re.sub(r"\{\w+(:path)?\}", lambda _: data.draw(st.just(client.spare) | IDS), path)
    query = data.draw(st.lists(st.tuples(QUERY_NAMES, QUERY_VALUES), max_size=3))
    if query:
        path += "?" + "&".join(f"{quoted(name)}={quoted(value)}" for name, value in query)
    method, body, kind = data.draw(METHODS), data.draw(BODIES), data.draw(TYPES)
    status, answer = client.send(method, path, body, {"Content-Type": kind})
    if method != "HEAD":
        check((method, path, body[:60], kind), status, answer)


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic a:b", "Bearer \xe9", "bearer\tkey"]
)
def test_every_path_wants_a_key(client: Client, authorization: str | None) -> None:
    for path in all_paths(client):
        headers = {} if authorization is None else {"Authorization": authorization}
        client.connection.request("POST", re.sub(r"\{.*?\}", "1", path), b"{}", headers)
        answer = client.connection.getresponse()
        check((path, authorization), answer.status, body := answer.read())
        if not (authorization or "").removeprefix("Bearer").strip() or "Basic" in (authorization or ""):
            assert (answer.status, json.loads(body)["errors"][0]["code"]) == (401, "10009")
