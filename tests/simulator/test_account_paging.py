"""Pages, filters and orders of lists."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.telnyx.errors import TelnyxError
from simulator.telnyx.paging import (
    Condition,
    Page,
    cursor_paged,
    paged,
    read_conditions,
    read_order,
    read_page,
)

LETTERS = list("abcdefg")


def same(letter: str) -> str:
    return letter


def test_a_page_is_20_long_unless_asked_otherwise() -> None:
    assert read_page([]) == Page(1, 20)
    assert read_page([("page[number]", "3"), ("page[size]", "250")]) == Page(3, 250)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page[number]", "0"),
        ("page[number]", "-1"),
        ("page[number]", "x"),
        ("page[number]", ""),
        ("page[number]", "1.5"),
        ("page[number]", "²"),
        ("page[number]", "9" * 400),
        ("page[size]", "251"),
        ("page[size]", "0"),
    ],
)
def test_a_page_that_cannot_be_is_refused_by_its_parameter(name: str, value: str) -> None:
    with pytest.raises(TelnyxError) as refused:
        read_page([(name, value)])
    (error,) = refused.value.body()["errors"]
    assert refused.value.code.status == 400
    assert error["source"] == {"parameter": name}


def test_meta_counts_pages_and_results() -> None:
    assert paged(LETTERS, Page(2, 3)) == {
        "data": ["d", "e", "f"],
        "meta": {"page_number": 2, "page_size": 3, "total_pages": 3, "total_results": 7},
    }
    assert paged(LETTERS, Page(9, 3))["data"] == []
    assert paged([], Page())["meta"]["total_pages"] == 0


def test_filters_have_fields_operators_and_arrays() -> None:
    known = ["status", "name[contains]", "features"]
    query = [
        ("filter[status]", "active,pending"),
        ("filter[name][contains]", "office"),
        ("filter[features][]", "sms,voice"),
        ("filter[features][1]", "fax"),
        ("page[size]", "3"),
    ]
    assert read_conditions(query, known, ["features"]) == [
        Condition("status", "", ("active,pending",)),
        Condition("name", "contains", ("office",)),
        Condition("features", "", ("sms", "voice", "fax")),
    ]
    assert read_conditions([("filter[status][eq]", "active")], known)[0].operator == ""


@pytest.mark.parametrize("name", ["filter", "filter[]", "filter[x]", "filter[status][gt]", "filter[status"])
def test_a_filter_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(TelnyxError) as refused:
        read_conditions([(name, "1")], ["status"])
    assert refused.value.body()["errors"][0]["source"] == {"parameter": name}


def test_an_order_may_descend() -> None:
    assert read_order([], ["name"], "-name") == ("name", True)
    assert read_order([("sort", "name")], ["name"], "-name") == ("name", False)
    with pytest.raises(TelnyxError):
        read_order([("sort", "--name")], ["name"], "-name")


def test_cursors_walk_forwards_and_back() -> None:
    path = "/v2/connections/1/active_calls"
    first = cursor_paged(LETTERS, [("page[limit]", "3")], same, path)
    assert first["data"] == ["a", "b", "c"]
    assert first["meta"]["cursors"] == {"after": "c", "before": "a"}
    assert first["meta"]["next"] == f"{path}?page[after]=c&page[limit]=3"
    assert first["meta"]["previous"] is None
    assert first["meta"]["total_items"] == 7
    second = cursor_paged(LETTERS, [("page[limit]", "3"), ("page[after]", "c")], same, path)
    assert second["data"] == ["d", "e", "f"]
    assert second["meta"]["page_number"] == 2
    back = cursor_paged(LETTERS, [("page[limit]", "3"), ("page[before]", "d")], same, path)
    assert back["data"] == ["a", "b", "c"]
    near_the_start = cursor_paged(LETTERS, [("page[limit]", "3"), ("page[before]", "b")], same, path)
    assert near_the_start["data"] == ["a"]
    last = cursor_paged(LETTERS, [("page[number]", "2"), ("page[size]", "4")], same, path)
    assert last["data"] == ["e", "f", "g"]
    assert last["meta"]["next"] is None
    with pytest.raises(TelnyxError):
        cursor_paged(LETTERS, [("page[after]", "z")], same, path)


NAMES = st.sampled_from(
    [
        "page[number]",
        "page[size]",
        "page[after]",
        "page[before]",
        "page[limit]",
        "sort",
        "filter[a]",
        "filter[a][b]",
    ]
)
PAIRS = st.tuples(NAMES | st.text(max_size=20), st.text(max_size=10) | st.integers().map(str))


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(NAMES | st.text(max_size=20), st.text(max_size=10) | st.integers().map(str)), max_size=6)
)
def test_any_query_is_read_or_refused(query: list[tuple[str, str]]) -> None:
    refused: list[TelnyxError] = []
    for read in (
        lambda: paged(LETTERS, read_page(query)),
        lambda: read_conditions(query, ["a", "a[b]"], ["a"]),
        lambda: read_order(query, ["a"], "a"),
        lambda: cursor_paged(LETTERS, query, same, "/x"),
    ):
        try:
            read()
        except TelnyxError as error:
            refused.append(error)
    assert all("parameter" in error.body()["errors"][0]["source"] for error in refused)
