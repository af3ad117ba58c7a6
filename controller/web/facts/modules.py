"""Modules as a person judges them: health, whether their flows are open, what they declare."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import Text
from controller.records.tables import Module
from controller.web.facts.flows import FlowView, flows


@dataclass(frozen=True)
class ModuleView:
    """A module's row with what follows from it."""

    row: Module
    title: Text
    zone: str
    flows: tuple[FlowView, ...]

    @property
    def health(self) -> str:
        """The state of its health as last asked: ok, failing or unknown."""
        if self.row.health is None:
            return "unknown"
        return "ok" if self.row.health.get("ok") is True else "failing"

    @property
    def approval(self) -> str:
        """Whether the security administrator has opened its flows: approved, open or none."""
        if not self.flows:
            return "none"
        return "approved" if self.row.approved_at else "open"


def view(row: Module) -> ModuleView:
    """Return the module with its declared flows."""
    title = row.manifest.get("module", {}).get("title", {})
    zone = str(row.manifest.get("component", {}).get("zone", ""))
    named = Text(str(title.get("zh", row.id)), str(title.get("en", row.id)))
    return ModuleView(row, named, zone, flows(row.manifest))


def all_of(session: Session, vendor: str | None = None) -> list[ModuleView]:
    """Return all modules by id; with `vendor` only those that it delivered."""
    query = select(Module).order_by(Module.id)
    if vendor is not None:
        query = query.where(Module.vendor == vendor)
    return [view(row) for row in session.scalars(query)]
