"""What the commands of the screen do. ``do_NAME`` carries out the command NAME, with - as _."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from console import words
from console.client import AgentError
from console.session import Session
from console.view import View

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.screens.desk import Desk
    from console.screens.main import MainScreen
    from console.screens.tuning import Tuning


_TURNS_A_PAGE = 10


class Actions:
    """The commands of one main screen."""

    def __init__(self, screen: MainScreen, session: Session, view: View) -> None:
        self._screen, self._session, self._view = screen, session, view
        self._made: Desk | None = None

    def run(self, name: str, argument: str) -> None:
        """Carry out a command that can be used now."""
        do = getattr(self, f"do_{name.replace('-', '_')}")
        do(argument) if argument else do()

    def do_dial(self, text: str = "") -> None:
        if text:
            self._work(self._check_and_dial(text), "dial")
        elif self._session.line == "SIM":
            self._dial(self._session.preferences.last_number("SIM"))
        else:
            self.do_dial_to()

    def do_dial_to(self) -> None:
        # Late, because few need it and the first paint must not wait for it.
        from console.screens.dial import DialScreen

        line = self._session.line
        last = self._session.preferences.last_number(line)
        self._screen.app.push_screen(DialScreen(last, line), self._dial)

    def do_hangup(self, text: str = "") -> None:
        call = self._call(text) if text else self._view.selected
        found = self._view.store.calls.get(call)
        if found is None:
            return
        if not found.state.live:
            self._say("that call has ended already.")
            return
        number = words.number(found.state.number)
        self._screen.ask(f"hang up {number}? y/n", y=lambda: self._work(self._hang_up(call), "hang up"))

    @property
    def _desk(self) -> Desk:
        """What an operator does in calls."""
        if self._made is None:
            # Late, because few calls need it and the first paint must not wait for it.
            from console.screens.desk import Desk

            self._made = Desk(self._screen, self._session, self._view, self._work)
        return self._made

    def do_phone(self) -> None:
        self._desk.open_phone()

    def do_accept(self) -> None:
        self._desk.accept()

    def do_decline(self) -> None:
        self._desk.decline()

    def do_listen(self) -> None:
        self._desk.listen()

    def do_ears(self, text: str = "") -> None:
        self._desk.change_ears(text)

    def do_whisper(self, text: str = "") -> None:
        self._desk.whisper(text)

    def do_say(self, text: str = "") -> None:
        self._desk.say(text)

    def do_mute(self) -> None:
        self._desk.mute()

    def do_take_over(self) -> None:
        self._desk.take_over()

    def do_record(self) -> None:
        self._desk.record()

    def do_play(self) -> None:
        self._desk.play()

    def do_sound(self) -> None:
        self._desk.open_sound()

    def do_select(self, text: str) -> None:
        call = self._call(text)
        if call:
            self._view.select(call)

    def do_next(self) -> None:
        self._view.step_call(1)

    def do_previous(self) -> None:
        self._view.step_call(-1)

    def do_next_turn(self) -> None:
        self._turn(1)

    def do_previous_turn(self) -> None:
        self._turn(-1)

    def do_follow(self) -> None:
        self._view.turn = None
        self._screen.reading.follow()

    def do_inspect(self) -> None:
        self._view.inspect()

    def do_room(self) -> None:
        # Late, because few calls are in one and the first paint must not wait for it.
        from console.widgets.room_panel import KEYS, RoomPanel

        self._view.showing_log = False
        self._screen.open_panel(RoomPanel(self._view, self._screen.close_panel), lambda: KEYS)

    def do_stt(self, text: str = "") -> None:
        # Late, because few calls are tuned and the first paint must not wait for it.
        from console.screens.tuning import Tuning

        call, asks = self._view.selected, Tuning(self._session, self._view)
        if text:
            self._work(asks.typed(call, text), "stt")
        else:
            self._open_tuning(asks)

    def _open_tuning(self, asks: Tuning) -> None:
        from console.widgets.tuning_panel import KEYS, Deeds, TuningPanel

        view = self._view

        async def send(call: str, fields: dict[str, Any]) -> None:
            if await asks.send(call, fields):
                panel.sent(fields)

        panel = TuningPanel(
            view,
            Deeds(
                send=lambda fields: self._work(send(view.selected, fields), "stt"),
                save=lambda: self._work(asks.save(view.selected), "stt"),
                end_turn=lambda: self._work(asks.end_turn(view.selected), "stt"),
                prompt=self._screen.open_prompt,
                leave=self._screen.close_panel,
                say=self._say,
            ),
        )
        view.showing_log = False
        self._screen.open_panel(panel, lambda: KEYS)

    def do_page_up(self) -> None:
        self._scroll(-1)

    def do_page_down(self) -> None:
        self._scroll(1)

    def do_top(self) -> None:
        if self._view.inspecting:
            self._turn(-len(self._view.turns()))
            return
        self._screen.reading.show_row(0)

    def do_log(self) -> None:
        self._view.showing_log = not self._view.showing_log

    def do_errors(self) -> None:
        self._view.errors_only = True

    def do_all(self) -> None:
        self._view.errors_only = False

    def do_zoom(self) -> None:
        self._view.zoomed = not self._view.zoomed

    def do_restart(self) -> None:
        live = self._view.store.live
        if live:
            self._screen.ask(
                f"restart the agent and hang up {words.plural(live, 'call')}? y/n", y=self._session.restart_agent
            )
        else:
            self._session.restart_agent()

    def do_palette(self) -> None:
        self._screen.app.action_command_palette()

    def do_prompt(self, text: str = "") -> None:
        self._screen.open_prompt(text)

    def do_help(self) -> None:
        from console.screens.help import HelpScreen

        self._screen.app.push_screen(HelpScreen(self._view.symbols))

    def do_back(self) -> None:
        if self._view.showing_log:
            self._view.showing_log = False
        elif self._view.inspecting:
            self._view.inspect()
        elif self._view.zoomed:
            self._view.zoomed = False
        else:
            self.do_follow()

    def do_quit(self) -> None:
        store = self._view.store
        held = store.calls.get(store.sound.held)
        if held is not None:
            who = f"you speak in call {store.number_of(store.sound.held)} to {words.number(held.state.number)}:"
            self._screen.ask(f"{who} h hand back and go on quitting, esc stay", h=self._hand_back_and_quit)
            return
        if not store.live or store.agent.phase != "up":
            self._leave(stop=True)
            return
        are = f"{words.plural(store.live, 'call')} {'is' if store.live == 1 else 'are'} live:"
        leave, hang_up = "l leave the agent running", "h hang up all and stop"
        if self._session.remote:
            leave, hang_up = "l leave them", "h hang up all"
        self._screen.ask(f"{are} {leave}, {hang_up}, esc stay", l=self._leave, h=self._hang_up_and_leave)

    def _hand_back_and_quit(self) -> None:
        async def hand_back() -> None:
            if await self._desk.hand_back(self._view.store.sound.held):
                self.do_quit()

        self._work(hand_back(), "hand back")

    def _leave(self, stop: bool = False, attached: bool = False) -> None:
        app: ConsoleApp = self._screen.app  # type: ignore[assignment]
        app.leave(stop, attached)

    def _hang_up_and_leave(self) -> None:
        self._work(self._hang_up_all(), "hang up")

    async def _hang_up_all(self) -> None:
        for call in [view.state.id for view in self._view.store.listing() if view.state.live]:
            await self._hang_up(call)
        self._leave(stop=True, attached=True)

    def _dial(self, number: str | None) -> None:
        if number:
            self._work(self._dial_now(number), "dial")

    async def _dial_now(self, number: str) -> None:
        self._say(f"dialing {words.number(number)}")
        try:
            self._screen.expected = await self._session.dial(number)
        except AgentError as error:
            self._view.store.tell("error", str(error))

    async def _check_and_dial(self, text: str) -> None:
        from console.numbers import check

        number = await check(text)
        if number is None:
            self._view.store.tell("warn", f"{text} is no telephone number: begin with + and the country code.")
        elif self._session.line == "SIM":
            await self._dial_now(number)
        else:
            question = f"dial {words.number(number)} on the LIVE line? It costs money. y/n"
            self._screen.ask(question, y=lambda: self._dial(number))

    async def _hang_up(self, call: str) -> None:
        try:
            await self._session.hang_up(call)
        except AgentError as error:
            self._view.store.tell("error", str(error))

    def _turn(self, step: int) -> None:
        self._view.step_turn(step)
        if self._view.turn is None:
            self._screen.transcript.follow()
        else:
            self._screen.transcript.sync()
            self._screen.transcript.show_turn(self._view.turn)

    def _scroll(self, pages: int) -> None:
        if self._view.inspecting:
            self._turn(pages * _TURNS_A_PAGE)
            return
        panel = self._screen.reading
        panel.scroll_rows(pages * max(1, panel.size.height - 2))

    def _call(self, text: str) -> str:
        """The id of the call with this number in the list, or nothing after saying so."""
        listing = self._view.store.listing()
        if text.isdecimal() and 1 <= int(text) <= len(listing):
            return listing[int(text) - 1].state.id
        self._say(f"there is no call {text} in the list.")
        return ""

    def _say(self, text: str) -> None:
        self._view.store.tell("info", text)

    def _work(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._screen.run_worker(work, name=name, group=name, exit_on_error=False)
