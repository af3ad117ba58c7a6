"""How a node is inspected: its inventory is taken anew, and with it the accelerator that really works."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Text, Unavailable
from controller.actions.nodes import InspectNode
from controller.drivers.base import Accelerator
from controller.jobs.log import tell
from controller.jobs.steps import Say, Step
from controller.records.session import reading
from controller.records.tables import Node
from controller.workers.site import Site
from hardware import inventory


def inspect(action: InspectNode, site: Site) -> Sequence[Step]:
    """Ask the node and record what it said."""

    def work(say: Say) -> None:
        accelerator = take(site, action.node)
        site.report(node=action.node, accelerator=accelerator)
        say(f"加速方式 accelerator: {accelerator}")

    return [Step("inventory", Text("采集硬件信息", "Take the inventory"), work)]


def take(site: Site, name: str) -> str:
    """Take a node's inventory and record it; return the accelerator that really works there."""
    facts = inventory.take(site.node(name).host)
    accelerator = str(facts.virtualisation.accelerator)

    def work(session: Session) -> None:
        row = session.get(Node, name)
        if row is not None:
            row.facts, row.facts_at = facts.as_dict(), clock.iso()
            row.accelerator = accelerator

    site.change(work)
    return accelerator


def know(site: Site) -> None:
    """Take the inventory of every node that was never asked; one that is away is asked another time."""
    with reading(site.engine) as session:
        asked = select(Node.name).where(Node.accelerator.is_not(None))
        known = set(session.scalars(asked))
    for name in site.nodes:
        if name in known:
            continue
        try:
            take(site, name)
        except Unavailable as error:
            tell(f"inventory of {name}: {error}")


def accelerator(site: Site, name: str) -> Accelerator:
    """How this node runs guests: KVM only if it was seen to work; a node never asked is asked now."""
    with reading(site.engine) as session:
        row = session.get(Node, name)
    said = row.accelerator if row is not None else None
    return Accelerator.KVM if (said or take(site, name)) == "kvm" else Accelerator.TCG
