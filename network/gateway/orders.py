"""What an operator orders of the running guard: a signed file that root writes and the guard reads."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from appliance.canonical import canonical
from appliance.clock import monotonic, read_iso
from appliance.errors import BadInput, Refused, Text
from appliance.files import write_atomically
from appliance.signing import SigningKey, VerifyKey
from network.gateway.sealed import joined, parted

FILE = "orders.signed"
KEPT = 10_000  # orders in one file
FRESH = dt.timedelta(hours=36)
"""How long an order holds. The guard reads at least two days of its journal again when it starts, so it
knows every order of this age that it has obeyed; an older one is given anew, by somebody who knows why."""
EVERY = 1.0  # seconds between two looks at the file

Op = Literal["rerun", "drop", "pause", "resume"]


class OrdersInvalid(Refused):
    """The orders file is altered, unsigned or contradicts itself; none of it is obeyed."""

    code = "gateway.orders_invalid"
    text = Text("网关指令文件无效：{why}", "The gateway's orders are not valid: {why}")
    hint = Text("请重新下达指令。", "Give the orders again.")


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Order:
    """One order; `n` grows from order to order, so that each is obeyed once.

    `rerun` and `drop` are about one message (`delivery`), `pause` and `resume` about a `channel`.
    `by` names the account, `at` is RFC 3339 UTC.
    """

    n: int
    op: Op
    by: str
    at: str
    delivery: str = ""
    channel: str = ""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class _Sheet:
    orders: tuple[Order, ...]


def check(orders: Sequence[Order]) -> None:
    """Raise `ValueError` when the orders are not lawful."""
    if len(orders) > KEPT:
        raise ValueError(f"over {KEPT} orders")
    if any(one.n >= other.n for one, other in pairwise(orders)) or (orders and orders[0].n < 1):
        raise ValueError("the numbers do not grow")
    for order in orders:
        about = order.delivery if order.op in ("rerun", "drop") else order.channel
        if read_iso(order.at).tzinfo is None:
            raise ValueError(f"order {order.n} does not say when")
        if not about or not order.by:
            raise ValueError(f"order {order.n} does not say by whom or about what")


def write(folder: Path, orders: Sequence[Order], key: SigningKey) -> None:
    """Put the signed orders into `folder`; a running guard obeys the new ones within two seconds.

    Raises:
        BadInput: they are not lawful.
    """
    try:
        check(orders)
    except ValueError as error:
        raise BadInput(what="orders", why=str(error)) from error
    data = canonical(asdict(_Sheet(tuple(orders))))
    write_atomically(folder / FILE, joined(key.sign(data), data))


def load(folder: Path, key: VerifyKey) -> tuple[Order, ...]:
    """Read and verify the orders in `folder`, none without a file; raises `OrdersInvalid`."""
    try:
        raw = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return ()
    try:
        signature, data = parted(raw)
        key.verify(signature, data, what=FILE)
        orders = TypeAdapter(_Sheet).validate_json(data).orders
        check(orders)
    except (ValidationError, ValueError, Refused) as error:
        raise OrdersInvalid(why=f"{type(error).__name__}: {error}"[:500]) from error
    return orders


class Inbox:
    """The guard's view of the file: read again only when it was replaced."""

    def __init__(
        self,
        folder: Path,
        key: VerifyKey,
        say: Callable[[str], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._folder, self._key, self._say, self._clock = folder, key, say, clock
        self._seen = (0, 0)
        self._next = 0.0

    def due(self) -> float:
        """When it wants to be looked at again, a monotonic time."""
        return self._next

    def look(self) -> tuple[Order, ...]:
        """Return all orders when the file is new, else none; a wrong file is said and not obeyed."""
        if self._clock() < self._next:
            return ()
        self._next = self._clock() + EVERY
        try:
            stat = (self._folder / FILE).stat()
            if (stat.st_ino, stat.st_mtime_ns) == self._seen:
                return ()
            self._seen = (stat.st_ino, stat.st_mtime_ns)
            return load(self._folder, self._key)
        except FileNotFoundError:
            return ()
        except (OSError, OrdersInvalid) as error:
            self._say(f"指令未执行 orders not obeyed: {error}")
            return ()

    def again(self) -> None:
        """Read the file once more at the next look: an order could not be journaled."""
        self._seen = (0, 0)
