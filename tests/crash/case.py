"""What a kind of job needs before it can be asked, and what may differ at its end."""

from collections.abc import Callable
from dataclasses import dataclass

from controller.actions.base import Action
from controller.workers.site import Site
from tests.crash.world import World


@dataclass(frozen=True)
class Case:
    """`prepare` brings the world to where the action makes sense and returns it; `who` asks.

    `returns`: undone, everything is as it was before (False: the deed cannot be taken back, only its
    records are right). `ignored`: `table.column`s that are new each time. `allowed`: words of orphans
    that are none here. `around` puts other drivers into the site.
    """

    prepare: Callable[[World], Action]
    who: str = "sam"
    returns: bool = True
    changes: bool = True
    ignored: frozenset[str] = frozenset()
    allowed: tuple[str, ...] = ()
    around: Callable[[Site], Site] = lambda site: site
