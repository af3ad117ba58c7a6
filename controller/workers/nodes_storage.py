"""A node's part of the replicated storage, where there is such a storage: how it leaves, and rejoins."""

import importlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from controller.records.cluster import Storage
from controller.records.session import reading
from controller.workers.site import Site


def storage_part(site: Site, name: str) -> Callable[..., Any]:
    """Return the function `name` of `storage_nodes`; one that does nothing where nothing is set up."""
    with reading(site.engine) as session:
        there = session.scalar(select(Storage.name).where(Storage.kind == "rbd").limit(1))
    if there is None:
        return _nothing
    # Late: a box of one node has no use for it.
    part = vars(importlib.import_module("controller.workers.storage_nodes"))
    found: Callable[..., Any] = part[name]
    return found


def _nothing(*_given: object, **_more: object) -> None:
    return
