"""Buttons and small forms that ask for one action each: from the form's fields to the action's, and on to its job."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from appliance.chance import new_id
from controller.actions.base import Role
from controller.web.desk import Desk
from controller.web.route import OWNERS, Route

Read = Callable[[str], str | int | bool]
"""Reads a field of the form by its name; raises `BadInput`."""

Find = Callable[[Session, Mapping[str, str]], Mapping[str, str | int | bool]]
"""Finds fields of the action in the records, by the parts of the address; raises `NotFound`."""


@dataclass(frozen=True)
class Deed:
    """A form at `rule`: the address's parts are fields of the action, `reads` are taken from the form.

    `fresh` names the ids that are made here; `fixed` fields are always the same; `finds` reads further
    ones from the records.
    """

    rule: str
    kind: str
    reads: Mapping[str, Read] = field(default_factory=dict)
    fresh: tuple[str, ...] = ()
    fixed: Mapping[str, str | int | bool] = field(default_factory=dict)
    finds: Find | None = None
    roles: frozenset[Role] = OWNERS

    def route(self, page: str) -> Route:
        """Return the route that takes the form, as one of the page module `page`."""

        def asked(desk: Desk, **parts: str) -> ResponseReturnValue:
            made = {name: new_id() for name in self.fresh}
            read: dict[str, str | int | bool] = {
                name: take(name) for name, take in self.reads.items()
            }
            if self.finds is not None:
                with desk.records() as session:
                    read |= self.finds(session, parts)
            return desk.ask(desk.wish(self.kind, **{**parts, **made, **read, **self.fixed}))

        asked.__module__ = page
        asked.__name__ = "_".join(w.strip("<>") for w in self.rule.split("/") if w)
        return Route(self.rule, asked, self.roles, "POST")
