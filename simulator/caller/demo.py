"""The caller who answers when nobody else was asked to: a patient of a clinic moves an appointment."""

from __future__ import annotations

from typing import Final

from simulator.caller.script import Script, SendAfter, Turn

DEMO: Final = Script(
    turns=(
        Turn(user="Hi, I need to move my appointment to Thursday afternoon."),
        Turn(
            user="Sorry, wait. Could you make it the morning?",
            send_after=SendAfter(event="bot_started_speaking", delay_ms=900),
        ),
        Turn(user="The first one is fine."),
        Turn(user="My name is Anna Smith."),
        Turn(user="And when are you open on Friday?"),
        Turn(user="Thank you, that is all. Goodbye."),
    )
)
