"""What a page gets: who reads, the records, the request's form, and how to ask for an action."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from flask import redirect, render_template, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from appliance.canonical import canonical, digest
from appliance.errors import BadInput, Forbidden, NotFound
from appliance.settings import Settings
from controller.access import reach
from controller.actions import ACTIONS
from controller.actions.base import Action, Role
from controller.actions.principal import Principal
from controller.jobs.queue import Idempotency, submit
from controller.records.session import reading, transaction

# Who reads before the login: nobody, with the role that may do least.
NOBODY = Principal("", "", Role.VENDOR)


@dataclass(frozen=True)
class Desk:
    """One request by one person, as the pages see it."""

    engine: Engine
    settings: Settings
    principal: Principal
    csrf: str
    here: str

    @contextlib.contextmanager
    def records(self) -> Iterator[Session]:
        """Give the records to read: one snapshot."""
        with reading(self.engine) as session:
            yield session

    def render(self, template: str, **shown: object) -> str:
        """Return a page; the frame (menu, name, language) comes from the blueprint."""
        return render_template(template, desk=self, **shown)

    def may(self, action: type[Action]) -> bool:
        """Whether this reader's role may ask for `action`, so that no useless button is shown."""
        return self.principal.role in action.roles

    def offers(self, kind: str) -> bool:
        """Whether this reader's role may ask for an action of that kind."""
        return kind in ACTIONS and self.may(ACTIONS[kind])

    def wish(self, kind: str, **fields: str | int | bool) -> Action:
        """Return the action of that kind; raises `BadInput` for fields that can never be right."""
        if kind not in ACTIONS:
            raise NotFound(what="操作 action", name=kind)
        return ACTIONS[kind].from_json(fields)

    def reach(self, thing: str) -> None:
        """Raise `NotFound` when `thing` (`noun/id`) is out of this reader's reach."""
        with self.records() as session:
            reach.see(session, self.principal, thing)

    def ask(self, action: Action) -> Response:
        """Submit the action and go to its job; raises what the queue refuses."""
        return redirect(f"/jobs/{self.submit(action)}", 303)

    def submit(self, action: Action) -> str:
        """Submit the action and return its job's id; raises what the queue refuses."""
        with transaction(self.engine) as session:
            return submit(session, self.principal, action, _once()).id

    def see(self, *, vendor: str) -> None:
        """Raise `Forbidden` when a vendor looks at what another vendor delivered."""
        if self.principal.role is Role.VENDOR and self.principal.vendor != vendor:
            raise Forbidden(role=self.principal.role.value, what=request.path)


def _once() -> Idempotency | None:
    # The key that a form was made with turns a second click on its button into the same job.
    key = request.form.get("once")
    if not key:
        return None
    asked = sorted(item for item in request.form.items(multi=True) if item[0] != "csrf")
    return Idempotency(key[:128], digest(canonical([request.path, asked])))


def text(name: str) -> str:
    """Return a form field as text without outer spaces; raises `BadInput` when it is not there."""
    value = request.form.get(name)
    if value is None:
        raise BadInput(what=name, why="缺少该项 missing")
    return value.strip()


def whole(name: str) -> int:
    """Return a form field as a whole number; raises `BadInput`."""
    value = text(name)
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise BadInput(what=name, why="不是整数 not a whole number")
    return int(value)


def ticked(name: str) -> bool:
    """Whether a checkbox of the form is ticked."""
    return request.form.get(name) == "on"
