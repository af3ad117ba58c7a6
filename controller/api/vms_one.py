"""What the routes about one virtual machine share: finding it within the asker's reach, its ETag."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from appliance.errors import NotFound, Stale
from controller.actions.base import Action
from controller.api.call import Answer, Call
from controller.records import vms
from controller.records.tables import Vm


def found(call: Call, session: Session, vm: str) -> Vm:
    """Return the machine by id or name; one that is out of reach is not there."""
    row = vms.get(session, vm)
    call.see(session, f"vm/{row.id}", NotFound(what="虚拟机 virtual machine", name=vm))
    return row


def key(call: Call, vm: str) -> str:
    """Return the machine's id."""
    return call.read(lambda session: found(call, session, vm).id)


def unchanged(call: Call, vm: str) -> Callable[[Session], None]:
    """Refuse when `If-Match` was given and the machine has changed since it was read."""

    def guard(session: Session) -> None:
        wanted = call.if_match
        if wanted not in (None, "*", f'"{vms.get(session, vm).version}"'):
            raise Stale

    return guard


def ask(call: Call, vm: str, action: Action | Callable[[Session], Action]) -> Answer:
    """Submit an action about the machine, unless it has changed since the asker read it."""
    return call.submit(action, unchanged(call, vm))
