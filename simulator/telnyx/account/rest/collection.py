"""The routes that most resources have: list, create, retrieve, update and delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulator.telnyx.account.record import Resource, numeric_id, read_changes, shown
from simulator.telnyx.account.refusals import not_found
from simulator.telnyx.account.rest.filters import Filter, Order, filtered, ordered
from simulator.telnyx.account.store import now
from simulator.telnyx.account.table import Table
from simulator.telnyx.paging import paged, read_page
from simulator.telnyx.router import Router, json_body

R = TypeVar("R", bound=Resource)

Given = Mapping[str, Any]
"""The body of a request, as it came."""


def _as_it_is(resource: Any, _before: Any) -> Any:
    return resource


def _nothing(_resource: Any) -> None:
    return None


def _all_of(resource: Any, _given: Given) -> dict[str, Any]:
    return shown(resource)


@dataclass(frozen=True, kw_only=True)
class Collection(Generic[R]):
    """One kind of resource at `path`, such as `/fqdns`.

    `settle(resource, before)` checks a resource against the rest of the account before it is kept and returns
    what is kept; `before` is None for a new one. `release(resource)` refuses a deletion, or deletes what goes
    with it. `show(resource, body)` gives what is sent; `body` is empty when nothing was written. `seed()` gives
    the fields of a new resource that no request sets. All raise TelnyxError.
    """

    path: str
    record: type[R]
    table: Table[R]
    created_status: int = 201
    update_requires: tuple[str, ...] = ()
    filters: Mapping[str, Filter[R]] = field(default_factory=dict[str, Filter[R]])
    orders: Mapping[str, Order[R]] = field(default_factory=dict[str, Order[R]])
    new_id: Callable[[], str] = numeric_id
    seed: Callable[[], dict[str, Any]] = dict
    settle: Callable[[R, R | None], R] = _as_it_is
    release: Callable[[R], None] = _nothing
    show: Callable[[R, Given], dict[str, Any]] = _all_of

    def routes(self, router: Router) -> list[Route]:
        return [
            router.route(self.path, GET=self.list, POST=self.create),
            router.route(f"{self.path}/{{id}}", GET=self.retrieve, PATCH=self.update, DELETE=self.delete),
        ]

    async def list(self, request: Request) -> dict[str, Any]:
        query = request.query_params.multi_items()
        page = read_page(query)
        kept = filtered(self.table, query, self.filters)
        orders: dict[str, Order[R]] = {"created_at": lambda resource: resource.created_at, **self.orders}
        answer = paged(ordered(kept, query, orders), page)
        answer["data"] = [self.show(resource, {}) for resource in answer["data"]]
        return answer

    async def create(self, request: Request) -> JSONResponse:
        given = await json_body(request)
        self.table.make_room(1)
        changes = read_changes(self.record, given)
        moment = now()
        made = self.record(id=self.new_id(), created_at=moment, updated_at=moment, **self.seed(), **changes)
        kept = self.settle(made, None)
        self.table.put(kept)
        return JSONResponse({"data": self.show(kept, given)}, self.created_status)

    async def retrieve(self, request: Request) -> dict[str, Any]:
        return {"data": self.show(self.found(request), {})}

    async def update(self, request: Request) -> dict[str, Any]:
        self.found(request)
        given = await json_body(request)
        # It may have been changed or deleted while the body came in.
        before = self.found(request)
        changes = read_changes(self.record, given, before, self.update_requires)
        kept = self.settle(msgspec.structs.replace(before, updated_at=now(), **changes), before)
        self.table.put(kept)
        return {"data": self.show(kept, given)}

    async def delete(self, request: Request) -> dict[str, Any]:
        gone = self.found(request)
        self.release(gone)
        self.table.remove(gone.id)
        return {"data": self.show(gone, {})}

    def found(self, request: Request) -> R:
        """The resource that the path names. Raises TelnyxError."""
        resource = self.table.find(request.path_params["id"])
        if resource is None:
            raise not_found()
        return resource
