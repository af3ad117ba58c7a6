"""The form of a page's entry point: rule, method, who may come, and the function that shows it."""

from collections.abc import Callable
from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from appliance.errors import Text
from controller.actions.base import OWNERS as OWNERS  # noqa: PLC0414 - pages know it from here
from controller.actions.base import Role

EVERYBODY = frozenset(Role)
STAFF = EVERYBODY - {Role.TENANT}  # pages that are not narrowed to what somebody was granted
READERS = frozenset({Role.SYSTEM, Role.SECURITY, Role.AUDIT, Role.AUDITOR})
VIEWERS = READERS | {Role.TENANT}  # pages that show a tenant only what it was granted
SYSTEM = frozenset({Role.SYSTEM})
SECURITY = frozenset({Role.SECURITY})
NOBODY_YET = frozenset[Role]()  # for pages before the login


@dataclass(frozen=True)
class Route:
    """One URL. `show(desk, **parts of the URL)` answers; `roles` empty means: no login needed.

    Only a form that `takes_file` may be as large as a module bundle.
    """

    rule: str
    show: Callable[..., ResponseReturnValue]
    roles: frozenset[Role]
    method: str = "GET"
    takes_file: bool = False

    @property
    def endpoint(self) -> str:
        """Its name inside the blueprint, derived from the function."""
        module = self.show.__module__.rsplit(".", 1)[-1]
        return f"{module}_{self.show.__name__}"


@dataclass(frozen=True)
class Entry:
    """One line of the menu: the page's key, its address, name and roles, and all its routes."""

    key: str
    path: str
    name: Text
    roles: frozenset[Role]
    routes: tuple[Route, ...]
