from __future__ import annotations

from typing import Any

from agent.unanswered import Unanswered


def turn(order: int, text: str, *, last: bool = True, **more: Any) -> dict[str, Any]:
    return {"type": "Turn", "turn_order": order, "end_of_turn": last, "transcript": text, **more}


def test_what_the_framework_took_is_answered_and_what_came_later_is_not() -> None:
    said = Unanswered()
    said.heard(1, turn(0, "Hello."), now=10)
    said.heard(1, turn(1, "Goodbye.", end_of_turn_confidence=0.8), now=30)
    said.taken(at=20)

    assert said.take() == ("Goodbye.", 0.8)
    assert said.take() == ("", None)


def test_the_open_turn_counts_with_the_words_so_far_and_is_not_taken() -> None:
    said = Unanswered()
    said.heard(1, turn(0, "I", last=False, words=[{"text": "i"}, {"text": "need"}]), now=10)
    said.taken(at=20)
    said.heard(1, turn(0, "I need", last=False, words=[{"text": "i"}, {"text": "need"}, {"text": "a"}]), now=30)

    assert said.take() == ("i need a", None)


def test_a_turn_that_is_told_again_with_marks_is_one_turn() -> None:
    said = Unanswered()
    said.heard(1, turn(0, "hello there"), now=10)
    said.heard(1, turn(0, "Hello there."), now=30)
    said.taken(at=20)
    said.heard(1, turn(0, "Hello there."), now=40)

    assert said.take() == ("", None)


def test_an_open_turn_that_another_session_hears_again_is_not_said_twice() -> None:
    said = Unanswered()
    said.heard(1, turn(0, "Hello."), now=10)
    said.heard(1, turn(1, "I need", last=False), now=20)
    said.heard_again()
    said.heard(2, turn(0, "I need a new date."), now=30)

    assert said.take()[0] == "Hello. I need a new date."


def test_it_is_bounded_and_takes_what_makes_no_sense() -> None:
    said = Unanswered()
    said.heard(1, {"type": "Turn", "turn_order": None, "transcript": "x", "end_of_turn": True}, now=1)
    said.heard(1, {"type": "Turn", "turn_order": 0, "words": [3], "transcript": None}, now=1)
    for n in range(500):
        said.heard(1, turn(n, "word"), now=n)

    assert len(said.take()[0].split()) == 50
