"""A guard's mind over a real journal file, with clocks of the test's own, and messages for it."""

import datetime as dt
import json
from dataclasses import replace

from appliance.clock import local
from appliance.signing import SigningKey
from network.gateway import transfers
from network.gateway.exchange import Exchange, Surroundings
from network.gateway.frames import Frame, Kind
from network.gateway.journal import Journal
from network.gateway.orders import Inbox
from network.gateway.policy import Policy, load, write
from network.gateway.spool import Spool
from network.gateway.vault import Vault
from tests.unit.network.test_policy import GOOD, STORE

KEY = SigningKey.new()
VAULT = Vault.fresh()
JSON = "application/fhir+json"


class Guard:
    """An exchange whose time the test moves: `now` is monotonic, `ahead` shifts the wall clock."""

    def __init__(self, folder, *channels, scanner=True, orders=False, vault=VAULT, **journal):
        self.folder, self.now, self.ahead = folder, 1000.0, dt.timedelta()
        self.scanner, self.orders, self.vault, self.said = scanner, orders, vault, []
        self._given = journal
        self.issue(*(channels or (GOOD, STORE)))
        for path in ("journal", "spool/guard/held", "spool/guard/intranet", "spool/guard/extranet"):
            (folder / path).mkdir(parents=True, exist_ok=True)
        self.start()

    def issue(self, *channels, version=1):
        write(self.folder, Policy(version, "", channels), KEY)

    def start(self):
        loaded = load(self.folder, KEY.public)
        around = Surroundings(
            inbox=self.inbox() if self.orders else None,
            spool=Spool(self.folder / "spool"),
            scanner=self.scanner,
            clock=lambda: self.now,
            local=lambda: local() + self.ahead,
        )
        self.journal = Journal(self.folder / "journal", self.vault, **self._given)
        self.exchange = Exchange(loaded, self.journal, around)
        return self.exchange.commit()

    def inbox(self):
        return Inbox(self.folder, KEY.public, self.said.append, lambda: self.now)

    def take(self, side, frame):
        self.exchange.take(side, frame)
        self.exchange.tick()
        return self.exchange.commit()

    def pass_time(self, seconds):
        self.now += seconds
        self.exchange.tick()
        return self.exchange.commit()

    @property
    def told(self):
        return list(transfers.read(self.folder / "journal"))

    @property
    def events(self):
        return [t.event for t in self.told]


def read(ident=1, **changed):
    """A request that the channel GOOD allows."""
    return replace(Frame(Kind.ASK, ident, "GET", "/fhir/Slot?status=free", "10.88.0.10"), **changed)


def book(ident=1, key="", status="x", **changed):
    """A message that the channel STORE takes."""
    told = json.dumps({"resourceType": status}).encode()
    ask = Frame(Kind.ASK, ident, "POST", "/fhir/Appointment", "10.88.0.10", key=key, body=told)
    return replace(ask, **changed)


def code(answer):
    return json.loads(answer.body)["code"]


def deliveries(out):
    return [frame for _, frame in out if frame.kind is Kind.CALL]


def answers(out):
    return [frame for _, frame in out if frame.kind is Kind.ANSWER]


def result(call, status=200, **given):
    return Frame(Kind.RESULT, call.ident, status=status, **given)
