"""How much data a replicated storage may hold so that the loss of any one node is still survived."""

from collections.abc import Sequence

FULL = 0.85
"""The part of a node that may be filled. Ceph stops refilling disks at 0.90 (`backfillfull_ratio`) and all
writing at 0.95 (`full_ratio`); what is between is for disks that CRUSH fills more than others."""


def ceiling(nodes: Sequence[int], copies: int = 3, full: float = FULL) -> int:
    """Return the data (counted once, in the unit of `nodes`) that may be held; `nodes` are their sizes.

    With as many nodes as copies each node holds everything, and after a loss nothing can be made whole
    until it is replaced: the smallest node bounds. With more nodes the copies of the lost one must fit on
    those that are left, whichever it is: the least of what `fits` without each node in turn.
    """
    usable = [size * full for size in nodes]
    if len(usable) <= copies:
        return int(fits(usable, copies))
    left = (fits([*usable[:lost], *usable[lost + 1 :]], copies) for lost in range(len(usable)))
    return int(min(left))


def fits(sizes: Sequence[float], copies: int) -> float:
    """Return the most data D of which `copies` fit, no two copies of a thing on one node.

    A node of size s holds at most min(s, D). So D fits if and only if sum(min(s, D)) >= copies * D, which
    says: for every j, the j smallest nodes and D on each of the n - j others are enough,
    sum(j smallest) + (n - j) * D >= copies * D. Where copies > n - j that bounds D; else it holds always.
    """
    ordered, most = sorted(sizes), float("inf")
    if len(ordered) < copies or not ordered:
        return 0.0
    for j in range(1, len(ordered) + 1):
        missing = copies - (len(ordered) - j)
        if missing > 0:
            most = min(most, sum(ordered[:j]) / missing)
    return most
