"""The form of a route: method, address, roles, schemas and a sentence, stated beside its handler."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel

from appliance.errors import Text
from controller.actions.base import Role
from controller.api.call import Answer, Call

READERS = frozenset({Role.SYSTEM, Role.SECURITY, Role.AUDIT, Role.AUDITOR})
VIEWERS = READERS | {Role.TENANT}
"""Roles of a route that shows each asker only what is within its reach (`Call.see`, `access.reach`)."""
EVERYONE = frozenset(Role)
INSIDERS = EVERYONE - {Role.TENANT}

Handler = Callable[..., Answer]


@dataclass(frozen=True)
class Form:
    """What a route says of itself. `roles` None: nobody need be logged in.

    A route that tenants may come to narrows what it shows and does; to all others an asker with
    limits (a tenant, a token below a path) comes only with the right on the whole box. With `local`
    nobody need be logged in on the machine itself.
    """

    method: str
    address: str
    sentence: Text
    roles: frozenset[Role] | None
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    takes: str = "application/json"
    gives: tuple[str, ...] = ("application/json",)
    local: bool = False

    @property
    def name(self) -> str:
        """Its operation id: the method and the words of its address, `vms_{id}_start_post`."""
        words = [w.strip("<>") for w in self.address.split("/") if w]
        return "_".join([*words, self.method.lower()]).replace(".", "_").replace("-", "_")


@dataclass(frozen=True)
class Route:
    """A form and the function that answers it; the address's parts come as keyword arguments."""

    form: Form
    run: Handler

    def __call__(self, call: Call, **parts: str) -> Answer:
        """Answer one call."""
        return self.run(call, **parts)


def route(form: Form) -> Callable[[Handler], Route]:
    """Make the decorated function a `Route`; it must also stand in `controller.api.routes.ROUTES`."""
    return lambda handler: Route(form, handler)
