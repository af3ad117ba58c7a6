"""Obeying an operator's orders: each once, in their order, and journaled before anything is done."""

from collections.abc import Callable
from datetime import datetime

from appliance.clock import read_iso
from network.gateway.backlog import Item
from network.gateway.delivery import Deliveries
from network.gateway.intake import Intake
from network.gateway.ledger import Ledger
from network.gateway.orders import FRESH, Order
from network.gateway.protocols import Plan
from network.gateway.protocols.files import FilesPlan
from network.gateway.records import Facts
from network.gateway.refusals import JournalFull
from network.gateway.statements import OTHER

VOID = "gateway.order_void"  # the rule of an order that could not be obeyed


class Obedience:
    """What was ordered is done by replaying its record, now and after every restart."""

    def __init__(
        self,
        ledger: Ledger,
        deliveries: Deliveries,
        intake: Intake,
        plans: dict[str, Plan],
        instant: Callable[[], datetime],
    ) -> None:
        self._ledger, self._deliveries, self._intake = ledger, deliveries, intake
        self._plans, self._instant = plans, instant

    def obey(self, orders: tuple[Order, ...]) -> bool:
        """Obey those that are new and fresh; return False when one has to wait for room in the journal."""
        edge = self._instant() - FRESH
        for order in orders:
            if order.n > self._ledger.backlog.order and read_iso(order.at) > edge:
                try:
                    self._one(order)
                except JournalFull:
                    return False
        return True

    def _one(self, order: Order) -> None:
        backlog = self._ledger.backlog
        item = backlog.dead.get(order.delivery)
        if item is None and order.op == "drop":
            item = backlog.find(order.delivery)
        channel = item.channel if item else order.channel
        why = self._void(order, item)
        facts = Facts(
            event="ordered",
            policy=self._ledger.digest,
            channel=channel,
            method=order.op,
            delivery=order.delivery,
            order=order.n,
            rule=VOID if why else "",
            note=f"{order.op} by {order.by[:80]}" + (f": {why}" if why else ""),
        )
        self._ledger.log(facts)
        if not why and order.op == "drop" and item is not None:
            plan = self._plans.get(item.channel)
            if isinstance(plan, FilesPlan):
                self._intake.settled(item, OTHER[plan.channel.source])

    def _void(self, order: Order, item: Item | None) -> str:
        if order.op in ("pause", "resume"):
            return "" if order.channel in self._plans else "there is no such channel"
        if item is None:
            return "no such message waits"
        if order.op == "drop" and self._deliveries.busy_with(item):
            return "it is on its way now"
        return ""
