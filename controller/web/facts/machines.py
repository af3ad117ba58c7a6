"""What the page of one machine shows besides its row: parts, snapshots, drift in words, where it could go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.actions import placing
from controller.actions.vms_drift import ACCEPTABLE, REASONS
from controller.placement import Verdict, judge
from controller.records.cluster import Nic, Snapshot, Template
from controller.records.tables import Module, Node, Vm, Volume


@dataclass(frozen=True)
class Change:
    """One thing that is otherwise than wished; `why` says why it cannot be accepted (None: it can)."""

    what: str
    wished: str
    actual: str
    why: object = None


@dataclass(frozen=True)
class MachineView:
    """A machine with all that its page shows."""

    row: Vm
    node: Node | None
    module: Module | None
    volumes: Sequence[Volume]
    nics: Sequence[Nic]
    snapshots: Sequence[Snapshot]
    template: Template | None
    drift: tuple[Change, ...]
    pending: tuple[Change, ...]
    targets: tuple[Verdict, ...]
    own: tuple[str, ...]

    @property
    def acceptable(self) -> bool:
        """Whether what is otherwise may become the wish."""
        return all(change.why is None for change in self.drift)


def view(session: Session, vm: Vm) -> MachineView:
    """Return the machine with its parts."""
    mine = Volume.vm_id == vm.id
    snapshots = select(Snapshot).where(Snapshot.vm_id == vm.id).order_by(Snapshot.created_at)
    return MachineView(
        row=vm,
        node=session.get(Node, vm.node),
        module=session.scalar(select(Module).where(Module.vm_id == vm.id)),
        volumes=session.scalars(select(Volume).where(mine).order_by(Volume.created_at)).all(),
        nics=session.scalars(select(Nic).where(Nic.vm_id == vm.id).order_by(Nic.position)).all(),
        snapshots=session.scalars(snapshots).all(),
        template=session.get(Template, vm.template_id) if vm.template_id else None,
        drift=changes(vm.drift),
        pending=changes(vm.pending),
        targets=targets(session, vm),
        own=tuple(placing.own_volumes(session, vm)),
    )


def changes(held: Mapping[str, Any] | None) -> tuple[Change, ...]:
    """Return {what: [wished, actual]} as rows of a table."""
    rows = []
    for what, pair in sorted((held or {}).items()):
        wished, actual = pair if isinstance(pair, list) and len(pair) == 2 else ("", pair)
        why = None if what in ACCEPTABLE else REASONS.get(what)
        rows.append(Change(what, _said(wished), _said(actual), why))
    return tuple(rows)


def targets(session: Session, vm: Vm) -> tuple[Verdict, ...]:
    """Return a verdict on every other node as the place to move to."""
    wanted = placing.wanted_of(vm)
    rooms = placing.rooms(session, without=vm.id)
    return tuple(judge(room, wanted) for room in rooms if room.name != vm.node)


def _said(value: Any) -> str:
    if isinstance(value, list):
        return "、".join(str(each) for each in value) or "–"
    return "–" if value in (None, "") else str(value)
