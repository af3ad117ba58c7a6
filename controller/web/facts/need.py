"""The form of one finding: what is wrong, why it matters, where it is mended and by whom."""

from dataclasses import dataclass

from appliance.errors import Text
from controller.actions.base import Role
from controller.web.route import READERS


@dataclass(frozen=True)
class Need:
    """One finding; `tone` is bad or warn, `mender` the roles that can do something about it.

    The button goes to `href`; with `deed` it asks for the mending action itself (a POST).
    """

    tone: str
    what: Text
    why: Text
    href: str
    button: Text
    mender: frozenset[Role] = READERS
    deed: bool = False
