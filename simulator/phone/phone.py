"""One phone: what it asks for, done at the exchange. One call at a time."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any, Final, Literal, TypeVar

import msgspec

from simulator.caller.noisy_party import with_noise
from simulator.caller.phone_party import MOST_KEYS
from simulator.control.orders import CallOrder, NumberOrder, OrderError, check_number
from simulator.phone import messages
from simulator.phone.messages import Accept, Decline, Dial, Dialling, HangUp, Key, Ping, Pong, Refused, Register
from simulator.phone.outbox import Outbox
from simulator.phone.phone_call import BUSY, UNREACHABLE, PhoneCall
from simulator.telnyx.calls.answerers import Answerer
from simulator.telnyx.calls.exchange import Exchange, ExchangeFull, NumberTaken
from simulator.telnyx.calls.incoming import NoSuchConnection, Reception
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.facts import Hangup
from simulator.telnyx.media.options import Codec

T = TypeVar("T")

_WHO: Final = ("script", "preset", "wav", "loop", "keep", "probe")
"""What an order says of callers who are no person."""


class Phone:
    def __init__(self, exchange: Exchange, reception: Reception) -> None:
        self.outbox = Outbox()
        self._exchange = exchange
        self._reception = reception
        self._number = ""
        self._order = NumberOrder()
        self._call: PhoneCall | None = None
        self._closed = False
        self._following: set[asyncio.Task[None]] = set()

    def receive(self, text: str) -> None:
        """A message of the phone."""
        self._heard()
        try:
            message = messages.decode(text)
        except ValueError as error:
            self._refuse("message", str(error))
            return
        match message:
            case Register():
                self._register(message)
            case Dial():
                self._dial(message)
            case Accept():
                self._decide("accept", None)
            case Decline():
                self._decide("decline", BUSY)
            case HangUp():
                self._hang_up()
            case Key():
                self._key(message.digit)
            case Ping():
                self.outbox.tell(Pong(id=message.id))
            case _:
                raise AssertionError(message)

    def hear(self, data: bytes) -> None:
        """Audio of the phone. Nobody hears what was on its way when the call began or ended."""
        self._heard()
        call = self._call
        if call is None or call.leg is None or not call.leg.is_answered:
            return
        try:
            samples, sent = messages.microphone(data, call.party.rate)
        except ValueError as error:
            self._refuse("message", str(error))
            return
        call.party.speak(samples, sent)

    def close(self) -> None:
        """The phone is gone: its number is free, and its call ends."""
        self._closed = True
        self._unregister()
        if self._call is not None:
            self._call.vanish()

    def _register(self, message: Register) -> None:
        try:
            check_number("number", message.number)
            order = _order(message.order, NumberOrder)
            order.check()
            if message.number != self._number:
                self._exchange.register(message.number, self._answerer)
                self._unregister()
        except (OrderError, NumberTaken, ExchangeFull) as error:
            self._refuse("register", str(error))
            return
        self._number, self._order = message.number, order
        self.outbox.tell(messages.Registered(number=message.number))

    def _unregister(self) -> None:
        if self._number:
            self._exchange.unregister(self._number)

    def _answerer(self, codec: Codec) -> Answerer:
        """Somebody calls the number of this phone."""
        order = self._order
        call = PhoneCall(self.outbox, order.codec or codec)

        async def decide(leg: CallLeg) -> Hangup | None:
            if self._closed:
                return UNREACHABLE
            if self._call is not None:
                return BUSY
            self._begin(call, leg)
            facts = leg.facts
            self.outbox.tell(
                messages.Ringing(call_control_id=leg.id, from_number=facts.from_number, to_number=facts.to_number)
            )
            return await call.ring()

        party = with_noise(call.party, order.noise)
        return Answerer(party, None, decide=decide, faults=order.faults, record_to=order.record_to)

    def _dial(self, message: Dial) -> None:
        if self._call is not None:
            self._refuse("dial", "The phone is in a call: hang up first.")
            return
        given = {"from": self._number, **message.order} if self._number else message.order
        try:
            order = _order(given, CallOrder)
            order.check()
            call = PhoneCall(self.outbox, order.telephone())
            answerer = Answerer(with_noise(call.party, order.noise), None)
            leg = self._reception.dial_in(order.placed(answerer))
        except (OrderError, NoSuchConnection, ExchangeFull) as error:
            self._refuse("dial", str(error))
            return
        self._begin(call, leg)
        facts = leg.facts
        self.outbox.tell(
            Dialling(call_control_id=leg.id, from_number=facts.from_number, to_number=facts.to_number)
        )

    def _begin(self, call: PhoneCall, leg: CallLeg) -> None:
        call.begin(leg)
        self._call = call
        task = asyncio.create_task(self._follow(call, leg))
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _follow(self, call: PhoneCall, leg: CallLeg) -> None:
        await call.until_over(leg)
        self._call = None

    def _decide(self, of: Literal["accept", "decline"], how: Hangup | None) -> None:
        if self._call is None or not self._call.rings:
            self._refuse(of, f"Nobody calls: there is nothing to {of}.")
        else:
            self._call.decide(how)

    def _hang_up(self) -> None:
        """Without a call there is nothing to do: it ended as the person hung up."""
        call = self._call
        if call is None or call.leg is None:
            return
        if call.rings:
            call.decide(BUSY)
        else:
            call.leg.party_hangs_up()

    def _key(self, digit: str) -> None:
        call = self._call
        if len(digit) != 1 or digit not in "0123456789ABCD*#":
            self._refuse("key", f"A key is one of 0-9, A-D, * and #, not {digit[:40]!r}.")
        elif call is None or call.leg is None or not call.leg.is_answered:
            self._refuse("key", "There is no call to press a key in.")
        elif not call.party.dial(digit):
            self._refuse("key", f"{MOST_KEYS} keys wait to be sent: wait a moment.")

    def _heard(self) -> None:
        if self._call is not None:
            self._call.last_heard = monotonic()

    def _refuse(self, of: Any, sentence: str) -> None:
        self.outbox.tell(Refused(of=of, message=sentence))


def _order(given: dict[str, Any], kind: type[T]) -> T:
    """Raises OrderError."""
    unwanted = [name for name in _WHO if name in given]
    if unwanted:
        raise OrderError(f"At a phone a person speaks: leave {', '.join(unwanted)} out of the order.")
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise OrderError(f"The order is not valid: {error}.") from None
