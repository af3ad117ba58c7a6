# ruff: noqa: INP001 - ceph-mgr finds it by its plain name
"""Stands in for bcrypt inside ceph-mgr, where the real one cannot be loaded, and hashes nothing.

ceph-mgr gives each of its modules a Python sub-interpreter. Debian 13's bcrypt is written with PyO3, which
refuses those, so every module that imports `mgr_util` would be lost (health code
MGR_MODULE_DEPENDENCY) although none that the box runs hashes a password. Whoever does call this gets
an error, never a weak hash. Seen by ceph-mgr alone, through PYTHONPATH in its unit.
"""

_WHY = "bcrypt cannot be loaded inside ceph-mgr on this system; HBox's stand-in hashes nothing"


def gensalt(*_: object, **__: object) -> bytes:
    """Refuse."""
    raise NotImplementedError(_WHY)


def hashpw(*_: object, **__: object) -> bytes:
    """Refuse."""
    raise NotImplementedError(_WHY)


def checkpw(*_: object, **__: object) -> bool:
    """Refuse."""
    raise NotImplementedError(_WHY)


def kdf(*_: object, **__: object) -> bytes:
    """Refuse."""
    raise NotImplementedError(_WHY)
