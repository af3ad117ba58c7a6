"""The dry run of a channel change: the journal's own bodies, opened by root, against both policies."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Text
from appliance.signing import SigningKey
from controller.actions.channels import TryChange
from controller.jobs.steps import Say, Step
from controller.records.exchange import ChannelChange
from controller.workers.candidate import candidate
from controller.workers.changebook import Change, ChangeBook
from controller.workers.changes import judge, widening
from controller.workers.site import Site
from network.gateway import policy, transfers, vault
from network.gateway.channel import Channel
from network.gateway.policy import Loaded, Policy
from network.gateway.records import sm3
from network.gateway.rehearsal import Kept, rehearse
from network.gateway.vault import BodySealed, Vault

MOST = 200_000  # records of one dry run
_EVENTS = frozenset({"accepted", "request", "answer", "refused"})
NOTES = (
    Text(
        "未实际发送任何报文，也不写入交换日志。",
        "Nothing was sent, and nothing was journaled.",
    ),
    Text(
        "日志只保存允许通过的内容：新增字段的效果无法回放，见“放宽”一栏。",
        "The journal holds only what was let across: what more would cross is listed as widened.",
    ),
    Text(
        "查询参数与被拒报文的正文未留存，只能判断其入口。",
        "Query values and refused bodies were not kept: only their door is judged.",
    ),
)


def try_change(action: TryChange, site: Site) -> Sequence[Step]:
    """Replay, compare, keep the outcome; an approver reads it before deciding."""
    return _Trial(action, site, ChangeBook(site.settings)).steps()


@dataclass
class _Trial:
    action: TryChange
    site: Site
    book: ChangeBook
    read: int = 0
    unreadable: int = 0
    cut: bool = False

    def steps(self) -> list[Step]:
        return [
            Step("judge", Text("校验变更后的整体策略", "Judge the policy as it would be"), self.judge),
            Step("replay", Text("回放已发生的传输", "Replay what crossed"), self.replay),
        ]  # fmt: skip

    def judge(self, _say: Say) -> None:
        change = self.book.get(self.action.number)
        if change.state == "pending":
            judge(self.site, self.book, change)
        else:
            candidate(self.site, self.book, change)

    def replay(self, say: Say) -> None:
        change = self.book.get(self.action.number)
        settings = self.site.settings
        folder = settings.state / "gateway"
        public = SigningKey.load(settings.keys / "policy.key").public
        now = policy.load(folder, public)
        then = loaded(candidate(self.site, self.book, change).channels)
        since = clock.iso(clock.now() - timedelta(hours=self.action.hours))
        self.read = self.unreadable = 0
        keys = vault.load(settings.keys / vault.FILE)
        tallies = list(
            rehearse(
                self._records(since, keys), now, then,
                lambda count: say(f"已回放 replayed: {count}"),
            )
        )  # fmt: skip
        document = {
            "change": change.number, "digest": change.digest, "at": clock.iso(), "since": since,
            "policy": now.digest, "messages": sum(t.messages for t in tallies),
            "unreadable": self.unreadable, "cut": self.cut,
            "widens": widening(self.book, change) if change.state == "pending" else [],
            "channels": [asdict(tally) for tally in tallies],
            "notes": [note.as_dict() for note in NOTES],
        }  # fmt: skip
        self.book.keep_trial(change.number, document)
        self.site.change(lambda session: _show(session, change, document))
        self.site.report(
            change=change.number, messages=document["messages"],
            refused=sum(sum(t.refused.values()) for t in tallies),
            allowed=sum(t.allowed + t.reached for t in tallies),
            other_content=sum(t.fewer + t.more + t.changed for t in tallies),
        )  # fmt: skip
        say(f"回放 {document['messages']} 条 messages replayed")

    def _records(self, since: str, keys: Vault) -> Iterator[Kept]:
        folder = self.site.settings.state / "gateway" / "journal"
        for record in transfers.records(folder):
            facts = record.facts
            if facts.at < since or facts.event not in _EVENTS:
                continue
            if self.read == MOST:
                self.cut = True
                return
            self.read += 1
            try:
                yield Kept(record.number, facts, record.body(keys))
            except BodySealed:
                self.unreadable += 1


def loaded(channels: tuple[Channel, ...]) -> Loaded:
    """Return these channels as a policy that is in force nowhere."""
    made = Policy(version=1, issued="", channels=channels)
    return Loaded(made, sm3(policy.render(made)).hex(), policy.check(made))


def _show(session: Session, change: Change, document: dict[str, Any]) -> None:
    row = session.get(ChannelChange, change.number)
    if row is not None:
        row.trial, row.tried_at = document, str(document["at"])
