"""Asks running modules how they are, inside their guests, and records what they themselves say."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BoxError
from appliance.sdk.guest import Probe
from appliance.sdk.manifest import from_dict
from controller.records.session import reading
from controller.records.tables import Module
from controller.workers.inside import Inside
from controller.workers.machine import Machine
from controller.workers.site import Site


def ask_all(site: Site) -> None:
    """Ask every running module; one that cannot be asked is recorded as not well, with the reason."""
    with reading(site.engine) as session:
        rows = list(session.scalars(select(Module).where(Module.state == "running")))
    said = {row.id: _ask(site, row) for row in rows}

    def work(session: Session) -> None:
        for module, answer in said.items():
            _record(session, module, answer)

    if said:
        site.change(work)


def _ask(site: Site, row: Module) -> dict[str, Any]:
    # Before its flows are open, what lies behind the gateway cannot answer.
    probe: Probe = "deep" if row.approved_by else "ready"
    try:
        inside = Inside(Machine.of(site, row.vm_id), from_dict(row.manifest))
        return inside.health(probe)
    except BoxError as error:
        return {"ok": False, "probe": probe, "status": 0, "body": error.as_dict()}
    except Exception as error:  # noqa: BLE001 - what a guest's agent says may be anything
        why = f"{type(error).__name__}: {error}"[:300]
        return {"ok": False, "probe": probe, "status": 0, "body": why}


def _record(session: Session, module_id: str, answer: dict[str, Any]) -> None:
    row = session.get(Module, module_id)
    if row is None or row.state != "running":
        return
    row.health, row.health_at = answer, clock.iso()
    body = answer.get("body")
    said = body.get("version") if isinstance(body, dict) else None
    if isinstance(said, str):
        row.version = said[:32]
