"""One seeded storm over a real gateway: messages from all senders, kills, a full disk, slow and absent receivers."""

import contextlib
import functools
import itertools
import json
import math
import operator
import os
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from appliance.clock import monotonic, pause
from network.gateway import heads, transfers, vault
from network.gateway.channel import Channel, Part
from network.gateway.examine import Evidence, examine
from network.gateway.heads import Head, Signers
from network.gateway.inspect import Field
from tests.netns.world import EXT_MODULE, INT_MODULE, RUN, STATED, World
from tests.soak.ends import HttpEnd, Line, MllpEnd, Sender, goes_back, lines

SHAKEN = Path(__file__).with_name("shaken.py")
_SEALS = 6  # times the head is sealed while all this goes on
VICTIMS = ("guard", "back", "front", "launcher", "guard", "scan")
BODY = (
    Field("resourceType", "code", required=True, values=("Appointment",)),
    Field("id", "id"),
    Field("status", "code"),
)


@dataclass(frozen=True)
class Storm:
    """What is to happen. `odds`: of the guard dying at each step of a write, beside the kills."""

    seed: int
    messages: int
    kills: int
    full: int = 1
    slow: int = 1
    away: int = 1
    http: int = 4
    mllp: int = 4
    odds: float = 0.0
    sabotage: bool = False
    patience: float = 60.0  # seconds without any progress after which waiting ends
    disk: int = 64  # MiB of the journal's file system


@dataclass
class Tally:
    """What happened. `lost`, `doubled` and `disordered` must be empty."""

    sent: int = 0
    acknowledged: int = 0
    tries: int = 0
    came: int = 0
    repeats: int = 0
    again: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    own_deaths: int = 0
    restarts: int = 0
    records: int = 0
    seals: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Return it for a person."""
        rows = {
            "发送 messages": self.sent,
            "已确认 acknowledged": self.acknowledged,
            "尝试 tries of the senders": self.tries,
            "接收方收到 arrivals": self.came,
            "重复到达（按投递号去重） repeats, deduped": self.repeats,
            "从旧消息重来 times it began again with an older": self.again,
            "kill -9": f"{self.kills.total()} {dict(self.kills)}",
            "写入途中死亡 deaths inside a write": self.own_deaths,
            "重启 restarts of all": self.restarts,
            "日志记录，已逐条验证 records, all proved": self.records,
            "封存 heads sealed meanwhile": self.seals,
            "阶段 phases": dict(self.phases),
            "被拒后重发 refused, sent again": dict(self.refused),
            "丢失 lost": len(self.lost),
            "重复生效 doubled": len(self.doubled),
            "乱序 out of order": len(self.disordered),
            "秒 seconds": round(self.seconds, 1),
        }
        return "\n".join(f"{name:<40} {value}" for name, value in rows.items())


def channel(line: Line) -> Channel:
    """Return the channel of `line`, from the extranet's machine to the intranet's."""
    if line.wire == "http":
        given = {"target": f"http://{INT_MODULE}:8080", "method": "POST", "path": line.door,
                 "resource": "Appointment", "request": BODY}  # fmt: skip
    else:
        given = {"target": f"mllp://{INT_MODULE}:2575", "protocol": "hl7v2", "types": (line.door,),
                 "parts": (Part("PID-1"), Part("PID-3"), Part("PID-5"))}  # fmt: skip
    return Channel(id=line.name, direction="extranet->intranet", lane="store", peer=EXT_MODULE,
                   **STATED, **given, leak="report", rate=6_000_000, time_limit=3.0,
                   attempts=10_000)  # fmt: skip


@contextlib.contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A file system of its own for the journal, small enough to be filled."""
    folder.mkdir(exist_ok=True)
    RUN(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=700", "hbox-soak", str(folder)])
    try:
        yield folder / "ballast"
    finally:
        RUN(["umount", str(folder)])


class Weather:
    """Runs one storm."""

    def __init__(self, world: World, storm: Storm, ballast: Path) -> None:
        self.world, self.storm, self.ballast = world, storm, ballast
        self.tally = Tally(sent=storm.messages)
        self.lines = lines(storm.http, storm.mllp)
        self.heads, self.sent = world.folder / "heads.jsonl", list[bytes]()
        self.signers = Signers.ensure(world.folder)
        self._dice = random.Random(storm.seed)  # noqa: S311 - a script, no secret
        self._stop = threading.Event()
        # Senders wait here for the acts: on a fast machine they would be done before the weather begins.
        self._leash = math.inf
        self._ends = {"http": HttpEnd(world), "mllp": MllpEnd(world)}
        shares = [storm.messages // len(self.lines)] * len(self.lines)
        shares[0] += storm.messages - sum(shares)
        self.senders = [
            Sender(world, line, count, self._stop, lambda: self.acked < self._leash)
            for line, count in zip(self.lines, shares, strict=True)
        ]

    def run(self) -> Tally:
        """Let it happen; return what did."""
        began, storm = monotonic(), self.storm
        how = {"odds": storm.odds, "seed": str(storm.seed), "segment": 32 << 10,
               "spare": 16 << 10, "sabotage": storm.sabotage}  # fmt: skip
        (self.world.folder / "shaken.json").write_text(json.dumps(how))
        self.world.issue(*(channel(line) for line in self.lines))
        try:
            self.world.start(str(SHAKEN))
            for end in self._ends.values():
                end.delay(0.1 if storm.sabotage else 0.0)
            for sender in self.senders:
                sender.start()
            for due, act in self._script():
                self._leash = due + storm.messages // 8
                self._await(lambda due=due: self.acked >= due, f"{due} acknowledged")
                act()
            self._leash = math.inf
            self._await(lambda: self.acked == storm.messages, "all acknowledged")
            with contextlib.suppress(TimeoutError):
                self._await(self._all_came, "all delivered")
        finally:
            self._stop.set()
            for sender in self.senders:
                if sender.ident:
                    sender.join()
            self.world.stop()
            for end in self._ends.values():
                end.delay(0)
            self._ends["mllp"].close()
        self._count()
        self.tally.seconds = monotonic() - began
        return self.tally

    @property
    def acked(self) -> int:
        return sum(sender.acked for sender in self.senders)

    def _script(self):
        """Return (number of acknowledgements, act) in order, the places seeded."""
        storm, dice = self.storm, self._dice
        victims = itertools.islice(itertools.cycle(VICTIMS), storm.kills)
        acts = [functools.partial(self._kill, name) for name in victims]
        acts += [self._seal] * _SEALS + [self._slow] * storm.slow + [self._away] * storm.away
        dice.shuffle(acts)
        late, early = storm.messages * 95 // 100, storm.messages // 2
        placed = [(dice.randrange(late), act) for act in acts]
        placed += [(dice.randrange(early), self._fill) for _ in range(storm.full)]
        return sorted(placed, key=operator.itemgetter(0))

    def _await(self, holds, what: str) -> None:
        """Wait as long as anything moves; the launcher is started again when it is gone."""
        moved, state = monotonic(), None
        while not holds():
            if any(sender.failed for sender in self.senders):
                raise AssertionError(next(s.failed for s in self.senders if s.failed))
            now = (self.acked, sum(len(end.raw) for end in self._ends.values()))
            if now != state:
                moved, state = monotonic(), now
            if monotonic() - moved > self.storm.patience:
                raise TimeoutError(f"{what}: nothing moves at {now}\n{self.world.logs()}")
            pause(0.01)

    # What happens

    def _kill(self, name: str) -> None:
        pause(self._dice.random() * 0.05)
        if name == "launcher":
            started = self.world._started
            started.process.kill()
            started.process.wait()
            self.world.layout.pids.unlink(missing_ok=True)
            self.world.start(str(SHAKEN))
        elif not self._strike(name):
            return
        self.tally.kills[name] += 1

    def _strike(self, name: str) -> bool:
        end = monotonic() + 20
        while monotonic() < end:
            # The guard may just have died by itself: then the numbers are those of the dead.
            with contextlib.suppress(OSError, KeyError, ValueError):
                pid = self.world.pids[name]
                os.kill(pid, 9)
                self.world.until(
                    lambda pid=pid: pid not in self.world.pids.values() or not self._alive(pid), 20
                )
                self.world.wait_ready()
                return True
            pause(0.02)
        return False

    @staticmethod
    def _alive(pid: int) -> bool:
        return Path(f"/proc/{pid}").exists()

    def _fill(self) -> None:
        """Fill the journal's disk, wait until senders are told so, and make room again."""
        before, end = self._refused_full(), monotonic() + 30
        self._leash = math.inf  # senders are to be refused, not held
        self._take_all()
        while self._refused_full() < before + 5 and monotonic() < end and self._sending():
            self._take_all()  # what was freed meanwhile
            pause(0.05)
        if self._refused_full() >= before + 5:
            self.tally.phases["disk full"] += 1
        if self._dice.random() < 0.5:
            self._kill("guard")  # and comes back with the disk still full
        pause(0.5)
        self.ballast.unlink()

    def _take_all(self) -> None:
        with self.ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while free := os.statvfs(self.ballast.parent).f_bavail:
                os.posix_fallocate(file.fileno(), file.tell(), free * 4096)
                file.seek(0, os.SEEK_END)

    def _refused_full(self) -> int:
        return sum(
            count
            for sender in self.senders
            for code, count in sender.refused.items()
            if "journal_full" in code
        )

    def _sending(self) -> bool:
        return any(sender.is_alive() for sender in self.senders)

    def _seal(self) -> None:
        """What the worker does meanwhile: read a journal that is being written, and sign its head."""
        head = transfers.verify(self.world.layout.journal)
        self.sent.append(heads.seal(self.heads, Head(head.number, head.chain), self.signers))

    def _slow(self) -> None:
        for end in self._ends.values():
            end.delay(0.25)
        self.tally.phases["slow receiver"] += 1
        pause(2.0)
        for end in self._ends.values():
            end.delay(0)

    def _away(self) -> None:
        for end in self._ends.values():
            end.close()
        self.tally.phases["receiver away"] += 1
        pause(1.5)
        for end in self._ends.values():
            end.open()

    # What came of it

    def _missing(self) -> list[str]:
        return [
            ident
            for sender in self.senders
            for ident in set(sender.idents)
            - {ident for ident, _ in self._ends[sender.line.wire].came(sender.line)}
        ]

    def _all_came(self) -> bool:
        arrivals = sum(len(end.raw) for end in self._ends.values())
        return arrivals >= self.storm.messages and not self._missing()

    def _count(self) -> None:
        tally, journal = self.tally, self.world.layout.journal
        tally.lost = self._missing()
        accepted = Counter(t.channel for t in transfers.read(journal) if t.event == "accepted")
        for sender in self.senders:
            came = self._ends[sender.line.wire].came(sender.line)
            tally.acknowledged += sender.acked
            tally.tries += sender.tries
            tally.refused.update({code[:60]: n for code, n in sender.refused.items()})
            tally.came += len(came)
            tally.repeats += len(came) - len({ident for ident, _ in came})
            # After dedupe by delivery each message has come once, and was accepted once.
            deliveries = Counter(ident for ident, _ in set(came))
            tally.doubled += [ident for ident, count in deliveries.items() if count > 1]
            if accepted[sender.line.name] > len(sender.idents):
                tally.doubled.append(f"{sender.line.name} accepted {accepted[sender.line.name]}")
            idents = [ident for ident, _ in came]
            tally.again += goes_back(idents)
            if goes_back(list(dict.fromkeys(idents))):  # what a receiver that dedupes has seen
                tally.disordered.append(sender.line.name)
        log = (self.world.folder / "launcher.log").read_text()
        tally.restarts = len(re.findall(r"all start again", log)) + tally.kills["launcher"]
        tally.own_deaths = len(re.findall(r"guard \(pid \d+\) ended with 9:", log))
        self._seal()
        told = Evidence(
            self.heads.read_bytes(),
            self.signers.public,
            tuple(self.sent),
            vault=vault.load(self.world.layout.journal_key),
        )
        tally.records, tally.seals = examine(journal, told).last, len(self.sent)


def weather(world: World, storm: Storm) -> Tally:
    """Run `storm` over `world` with a journal on a small disk."""
    with small_disk(world.layout.journal, storm.disk) as ballast:
        return Weather(world, storm, ballast).run()
