"""The front desk, with the tools a clinic's bot would offer and with others."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from simulator.openai.dialogue import Reply, reply
from simulator.openai.tools import parse_tools

PROMPT = (
    "You are the receptionist of Riverside Clinic. Today is 2026-11-21, a Saturday. "
    "The clinic is open Monday to Friday from 8:00 to 17:30. Answer in one sentence."
)
FREE = {"morning": ["09:15", "10:30"], "afternoon": ["14:00", "15:30"], "any": ["09:15", "14:00"]}


def tool(name: str, required: list[str], /, **properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


TEXT = {"type": "string"}
FIND = tool(
    "find_slots", ["day"], day=TEXT, part_of_day={"type": "string", "enum": ["morning", "afternoon", "any"]}
)
BOOK = tool("book_slot", ["slot_id", "name", "reason"], slot_id=TEXT, name=TEXT, reason=TEXT)


class Talk:
    """A bot around the desk: it runs the tools and keeps the context as Pipecat does."""

    def __init__(self, *tools: dict[str, Any], prompt: str = PROMPT, booked: Any = None) -> None:
        self.tools = list(tools)
        self.messages: list[dict[str, Any]] = [{"role": "system", "content": prompt}]
        self.called: list[tuple[str, dict[str, Any]]] = []
        self._booked = {"booked": True} if booked is None else booked

    def reply(self) -> Reply:
        return reply(self.messages, parse_tools(self.tools), date(2030, 1, 1))

    def say(self, text: str) -> str:
        self.messages.append({"role": "user", "content": text})
        return self.settle()

    def settle(self) -> str:
        for _ in range(5):
            answer = self.reply()
            message: dict[str, Any] = {"role": "assistant", "content": answer.text}
            self.messages.append(message)
            if not answer.tool_calls:
                return answer.text
            message["tool_calls"] = []
            for call in answer.tool_calls:
                self.called.append((call.name, call.arguments))
                call_id = f"call_{len(self.called)}"
                function = {"name": call.name, "arguments": json.dumps(call.arguments)}
                message["tool_calls"].append({"id": call_id, "type": "function", "function": function})
                result = json.dumps(self._run(call.name, call.arguments))
                self.messages.append({"role": "tool", "tool_call_id": call_id, "content": result})
        raise AssertionError("The desk calls tools without end.")

    def _run(self, name: str, arguments: dict[str, Any]) -> Any:
        if "slot_id" not in arguments and "day" in arguments:
            times = FREE[arguments.get("part_of_day", "any")]
            return {
                "slots": [{"slot_id": f"s{n}", "start": f"{arguments['day']}T{t}"} for n, t in enumerate(times)]
            }
        return self._booked


def test_it_greets_first_with_the_name_from_the_prompt() -> None:
    assert Talk().settle() == "Hello, this is Riverside Clinic. How can I help you?"
    dictated = Talk(prompt='Greet the caller with "Good morning, Doctor Lee\'s office."')
    assert dictated.settle() == "Good morning, Doctor Lee's office."


def test_moving_an_appointment_with_a_change_of_mind() -> None:
    talk = Talk(FIND, BOOK)
    talk.settle()
    offer = talk.say("Hi, I need to move my appointment to Thursday afternoon.")
    assert offer == "On Thursday the twenty-sixth I have two o'clock and half past three. Which one suits you?"
    assert "quarter past nine and half past ten" in talk.say("Sorry, wait. Could you make it the morning?")
    assert talk.say("The first one is fine.").endswith("May I have your name?")
    done = talk.say("My name is Anna Smith.")
    assert done == (
        "Your appointment is moved to Thursday the twenty-sixth at quarter past nine. Is there anything else?"
    )
    hours = talk.say("And when are you open on Friday?")
    assert hours == "The clinic is open Monday to Friday from eight o'clock to half past five."
    assert talk.say("Thank you, that is all. Goodbye.") == "Thank you for calling. Goodbye!"
    assert talk.called == [
        ("find_slots", {"day": "2026-11-26", "part_of_day": "afternoon"}),
        ("find_slots", {"day": "2026-11-26", "part_of_day": "morning"}),
        ("book_slot", {"slot_id": "s0", "name": "Anna Smith", "reason": "appointment"}),
    ]


def test_words_as_a_recogniser_gives_them() -> None:
    talk = Talk(FIND, BOOK)
    assert talk.say("i would like to book an appointmint for a check up") == "Of course. Which day would suit you?"
    assert "two o'clock" in talk.say("the twenty sixth")
    assert "half past three" in talk.say("have you anything in the afternoon")
    assert talk.say("half past three please").endswith("May I have your name?")
    assert "booked for Thursday the twenty-sixth at half past three" in talk.say("john miller")
    assert talk.called[-1] == ("book_slot", {"slot_id": "s1", "name": "John Miller", "reason": "check up"})


def test_all_at_once() -> None:
    talk = Talk(FIND, BOOK)
    assert "booked for" in talk.say("book me for thursday at two o'clock my name is ann lee")
    assert [name for name, _ in talk.called] == ["find_slots", "book_slot"]


def test_a_question_in_between_is_answered_and_the_task_goes_on() -> None:
    talk = Talk(FIND, BOOK)
    talk.say("an appointment on friday please")
    answer = talk.say("how much does it cost")
    assert answer.startswith("A check-up is sixty dollars")
    assert answer.endswith("Which one suits you?")
    assert talk.say("could you repeat that") == answer
    assert talk.say("no") == "Which other day or time would suit you?"
    assert talk.say("wait") == "Of course, take your time."


def test_a_booking_that_fails_offers_what_is_left() -> None:
    talk = Talk(FIND, BOOK, booked={"error": "taken"})
    talk.say("thursday afternoon")
    talk.say("two o'clock")
    answer = talk.say("anna")
    assert (
        answer == "I am sorry, that did not work. On Thursday the twenty-sixth I have half past three. "
        "Does that suit you?"
    )
    assert talk.say("yes").startswith("I am sorry, that did not work.")
    assert [name for name, _ in talk.called] == ["find_slots", "book_slot", "book_slot"]


def test_tools_with_other_names_and_arguments() -> None:
    find = tool("check_availability", ["date"], date=TEXT)
    book = tool("create_appointment", ["date", "time", "patient_name", "phone_number"], date=TEXT, time=TEXT,
                patient_name=TEXT, phone_number=TEXT, urgent={"type": "boolean"})  # fmt: skip
    talk = Talk(find, book)
    talk.messages.append({"role": "user", "content": "appointment tomorrow at two"})
    assert talk.reply().tool_calls[0].arguments == {"date": "2026-11-22"}
    talk.messages += [
        {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "check_availability"}}]},
        {"role": "tool", "tool_call_id": "1", "content": json.dumps(["2026-11-22T14:00", "2026-11-22T15:00"])},
        {
            "role": "assistant",
            "content": "Sunday the twenty-second at two o'clock, all right. May I have your name?",
        },
    ]
    assert talk.say("anna smith") == "What is your phone number, please?"
    talk.say("five five five one two three")
    assert talk.called == [
        (
            "create_appointment",
            {
                "date": "2026-11-22",
                "time": "14:00",
                "patient_name": "Anna Smith",
                "phone_number": "five five five one two three",
            },
        )
    ]


def test_without_tools_it_takes_a_note() -> None:
    talk = Talk()
    assert talk.say("can i come in tomorrow at two").endswith("May I have your name?")
    assert talk.say("maria lopez").startswith(
        "I have noted Sunday the twenty-second at two o'clock for Maria Lopez."
    )
    assert talk.say("no").endswith("goodbye!")


def test_what_it_does_not_understand_it_says_back() -> None:
    answer = Talk(FIND, BOOK).say("the llama jumped over the moon")
    assert answer.startswith("I heard: the llama jumped over the moon.")


def test_a_tool_that_is_still_running_and_one_that_was_interrupted() -> None:
    talk = Talk(FIND, BOOK)
    talk.messages += [
        {"role": "user", "content": "thursday morning please"},
        {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "find_slots"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "IN_PROGRESS"},
        {"role": "user", "content": "hello are you there"},
    ]
    assert talk.reply().text == "One moment, I am still looking."
    talk.messages[3]["content"] = "CANCELLED"
    assert talk.reply().tool_calls[0].name == "find_slots"


def test_a_background_tool_reports_in_a_developer_message() -> None:
    talk = Talk(FIND, BOOK)
    running = {"type": "async_tool", "status": "running", "tool_call_id": "1", "description": ""}
    slots = json.dumps([{"id": 7, "day": "2026-11-26", "time": "09:15"}])
    talk.messages += [
        {"role": "user", "content": "thursday morning please"},
        {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "find_slots"}}]},
        {"role": "tool", "tool_call_id": "1", "content": json.dumps(running)},
        {"role": "assistant", "content": "One moment, I am still looking."},
        {"role": "developer", "content": json.dumps(running | {"status": "finished", "result": slots})},
    ]
    assert talk.reply().text == "On Thursday the twenty-sixth I have quarter past nine. Does that suit you?"


def test_silence_and_goodbye() -> None:
    talk = Talk(tool("end_call", []))
    talk.settle()
    talk.messages.append({"role": "developer", "content": "The user has been quiet. Ask if they are there."})
    assert talk.reply().text == "Are you still there?"
    talk.messages.append({"role": "user", "content": "bye"})
    goodbye = talk.reply()
    assert (goodbye.text, goodbye.tool_calls[0].name) == ("Thank you for calling. Goodbye!", "end_call")


def test_the_same_messages_get_the_same_answer() -> None:
    talk = Talk(FIND, BOOK)
    talk.say("move my appointment to thursday")
    assert talk.reply() == talk.reply()
