"""The whole policy as one change would make it: compiled and judged, put in force by nobody here."""

from collections.abc import Iterable

from controller.workers.approvals import Approvals
from controller.workers.changebook import Change, ChangeBook, channels_of
from controller.workers.openings import Whole, channels, whole
from controller.workers.site import Site
from network.gateway.channel import Channel
from network.gateway.located import line_of
from network.gateway.text import ChannelInvalid


def candidate(site: Site, book: ChangeBook, change: Change) -> Whole:
    """Return flows and channels as `change` would make them; raises when they contradict each other."""
    others = [c for name, c in book.current().items() if name != change.channel]
    ways: tuple[Channel, ...] = channels_of(others)
    if change.op != "remove":
        asked = change.read()
        _same_name(asked, change)
        ways = (*ways, asked)
    return whole(Approvals(site).all(), ways)


def module_channels(site: Site) -> frozenset[str]:
    """Return the names of the channels that approved modules declare."""
    return names(channels(Approvals(site).all()))


def names(ways: Iterable[Channel]) -> frozenset[str]:
    """Return the ids of `ways`."""
    return frozenset(way.id for way in ways)


def _same_name(asked: Channel, change: Change) -> None:
    if asked.id != change.channel:
        raise ChannelInvalid(
            line=line_of(change.text, ("id",)),
            field="id",
            why_zh="与申请的通道名不同",
            why="it is not the channel asked for",
        )
