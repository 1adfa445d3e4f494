"""What the tests of the set-up share: an account on a server, and what setup prints there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager

from livekit import api

from agent.provision.livekit import plan, removal, wanted
from agent.provision.livekit.objects import Inbound, Outbound, Rule
from agent.provision.livekit.run import run
from agent.provision.livekit.server import Server
from agent.provision.livekit.steps import Found, Policy, Step
from agent.provision.livekit.wanted import Telephony, Wanted

NUMBER = "+15105550100"
PASSWORD = "a very secret one"


class Printed:
    """In place of the terminal."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.said: list[str] = []
        self.problem = ""

    def begin(self, url: str, agent_name: str) -> None:
        pass

    def plan(self, steps: Sequence[Step]) -> None:
        self.steps = list(steps)

    def done(self, step: Step, label: str) -> None:
        self.said.append(f"{step.action} {label}")

    def say(self, text: str) -> None:
        self.said.append(text)

    def failed(self, text: str, fix: str) -> None:
        self.problem = f"{text} {fix}".strip()

    @property
    def actions(self) -> list[str]:
        return [step.action for step in self.steps]

    def step(self, kind: str) -> Step:
        return next(step for step in self.steps if step.kind == kind)


class Account:
    """A LiveKit server with SIP: the one of the tests, or its stand-in."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self.url, self.key, self.secret = url, key, secret

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LIVEKIT_URL": self.url,
            "LIVEKIT_API_KEY": self.key,
            "LIVEKIT_API_SECRET": self.secret,
            "TELNYX_PHONE_NUMBER": NUMBER,
            "TELNYX_SIP_USERNAME": "clinic",
            "TELNYX_SIP_PASSWORD": PASSWORD,
        }

    def telephony(self, **changed: str) -> Telephony:
        environment: Mapping[str, str] = {**self.environment, **changed}
        return wanted.telephony(environment)

    def usual(self, number: str = NUMBER, agent_name: str = "sidetone") -> list[Wanted]:
        """What setup wants without any options."""
        out = wanted.outbound(
            [number], self.telephony(SIDETONE_AGENT_NAME=agent_name), "sip.telnyx.com", "tcp", ""
        )
        return [wanted.inbound([number], [], agent_name), wanted.rule(agent_name), out]

    async def set_up(
        self,
        asked: Sequence[Wanted],
        agent_name: str = "sidetone",
        adopt: bool = False,
        dry: bool = False,
        yes: bool = True,
    ) -> tuple[int, Printed]:
        """The exit status and what was printed."""
        policy, printed = Policy(agent_name, adopt), Printed()
        rooms = self.telephony(SIDETONE_AGENT_NAME=agent_name).rooms

        def planner(found: Found) -> list[Step]:
            return plan.plan(asked, found, policy)

        return await run(rooms, planner, printed, dry=dry, yes=yes), printed

    async def remove(self, agent_name: str = "sidetone") -> tuple[int, Printed]:
        policy, printed = Policy(agent_name), Printed()

        def planner(found: Found) -> list[Step]:
            return removal.removal(found, policy)

        return await run(self.telephony().rooms, planner, printed, dry=False, yes=True), printed

    async def found(self) -> Found:
        async with Server(self.telephony().rooms) as server:
            return await server.found()

    @asynccontextmanager
    async def client(self):  # type: ignore[no-untyped-def]
        """LiveKit's own client, as others use it."""
        async with api.LiveKitAPI(self.url, self.key, self.secret, failover=False) as client:
            yield client.sip

    async def add(self, *infos: Inbound | Outbound | Rule) -> list[str]:
        """What somebody else made; returns the ids."""
        ids: list[str] = []
        async with self.client() as sip:
            for info in infos:
                if isinstance(info, Inbound):
                    made = await sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=info))
                elif isinstance(info, Outbound):
                    made = await sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=info))
                else:
                    made = await sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=info))
                ids.append(made.sip_dispatch_rule_id if isinstance(made, Rule) else made.sip_trunk_id)
        return ids

    async def empty(self) -> None:
        found = await self.found()
        async with self.client() as sip:
            for rule in found.rules:
                known = rule.sip_dispatch_rule_id
                await sip.delete_dispatch_rule(api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=known))
            for trunk in (*found.inbound, *found.outbound):
                await sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id))
