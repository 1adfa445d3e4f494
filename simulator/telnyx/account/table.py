"""The resources of one kind, by id, in the order they came in; bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from simulator.telnyx.account.record import Resource
from simulator.telnyx.account.refusals import full

R = TypeVar("R", bound=Resource)

MAX_RESOURCES: Final = 10_000


class Table(Generic[R]):
    def __init__(self, what: str, limit: int = MAX_RESOURCES) -> None:
        """`what` names the kind in the plural, for the refusal when there are `limit` of them."""
        self._what = what
        self._limit = limit
        self._by_id: dict[str, R] = {}

    def put(self, resource: R) -> None:
        """Add a resource, or put it in the place of the one with its id. Raises TelnyxError when there is no
        room.
        """
        if resource.id not in self._by_id:
            self.make_room(1)
        self._by_id[resource.id] = resource

    def make_room(self, count: int) -> None:
        """Raises TelnyxError unless `count` more have room."""
        if len(self._by_id) + count > self._limit:
            raise full(self._what, self._limit)

    def find(self, resource_id: str) -> R | None:
        return self._by_id.get(resource_id)

    def remove(self, resource_id: str) -> None:
        """Forget a resource; one that is not there is forgotten already."""
        self._by_id.pop(resource_id, None)

    def __iter__(self) -> Iterator[R]:
        return iter(tuple(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)
