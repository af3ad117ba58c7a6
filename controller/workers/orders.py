"""How an operator's order reaches the running gateway: as one more line of a signed file."""

from collections.abc import Sequence
from dataclasses import dataclass

from appliance import clock
from appliance.errors import NotFound, Text
from appliance.signing import SigningKey
from controller.actions.orders import DropDead, PauseChannel, RerunDead, ResumeChannel
from controller.jobs.steps import Say, Step
from controller.workers.asker import asker
from controller.workers.site import Site
from network.gateway import orders, policy, transfers
from network.gateway.orders import Op, Order
from network.gateway.segments import segments

PATIENCE = 8.0  # seconds a running guard may take to obey; it looks at the file every second


def pause(action: PauseChannel, site: Site) -> Sequence[Step]:
    """Order the guard to hold this channel."""
    return _Ordering(site, "pause", channel=action.channel).steps()


def resume(action: ResumeChannel, site: Site) -> Sequence[Step]:
    """Order the guard to let this channel go on."""
    return _Ordering(site, "resume", channel=action.channel).steps()


def rerun(action: RerunDead, site: Site) -> Sequence[Step]:
    """Order one more delivery."""
    return _Ordering(site, "rerun", delivery=action.delivery).steps()


def drop(action: DropDead, site: Site) -> Sequence[Step]:
    """Order that a dead letter is settled."""
    return _Ordering(site, "drop", delivery=action.delivery).steps()


@dataclass(frozen=True)
class _Ordering:
    site: Site
    op: Op
    channel: str = ""
    delivery: str = ""

    def steps(self) -> list[Step]:
        return [
            Step("order", Text("签发指令", "Sign the order"), self.order),
            Step("obeyed", Text("等待网关执行", "Wait until the gateway obeys"), self.obeyed),
        ]

    def order(self, say: Say) -> None:
        folder = self.site.settings.state / "gateway"
        key = SigningKey.load(self.site.settings.keys / "policy.key")
        if self.channel and self.channel not in policy.load(folder, key.public).plans:
            raise NotFound(what="通道 channel", name=self.channel)
        given = orders.load(folder, key.public)
        if self._mine(given) is not None:
            return  # cut off after it was written: the same order is not given twice
        made = Order(
            n=given[-1].n + 1 if given else 1, op=self.op, by=self._by(), at=clock.iso(),
            delivery=self.delivery, channel=self.channel,
        )  # fmt: skip
        orders.write(folder, [*given[-orders.KEPT + 1 :], made], key)
        say(f"指令 order {made.n}: {made.op} {self.channel or self.delivery}")

    def obeyed(self, say: Say) -> None:
        """Say whether the guard journaled it; one that is down obeys at its next start."""
        folder = self.site.settings.state / "gateway"
        key = SigningKey.load(self.site.settings.keys / "policy.key").public
        mine = self._mine(orders.load(folder, key))
        if mine is None:
            return
        until = clock.monotonic() + PATIENCE
        done = self._journaled(mine)
        while not done and clock.monotonic() < until:
            clock.pause(0.5)
            done = self._journaled(mine)
        self.site.report(order=mine.n, obeyed=done)
        say("网关已执行 the gateway obeyed" if done else "网关尚未执行，启动后执行 not yet obeyed; it will be when the gateway runs")  # fmt: skip

    def _by(self) -> str:
        # The job's id makes a repeated step find its own order again.
        return f"{asker(self.site)} [{self.site.job_id}]"

    def _mine(self, given: Sequence[Order]) -> Order | None:
        return next(
            (one for one in reversed(given) if one.by.endswith(f"[{self.site.job_id}]")), None
        )

    def _journaled(self, mine: Order) -> bool:
        journal = self.site.settings.state / "gateway" / "journal"
        # The last two files hold far more than what was journaled since the order was given.
        starts = [int(path.stem) for path in segments(journal)[-2:]]
        return any(
            found.event == "ordered" and found.order == mine.n
            for found in transfers.read(journal, min(starts, default=1) - 1)
        )
