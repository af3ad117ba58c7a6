"""`gateway.search`: the slowest of eleven searches in 100,000 indexed transfers, and how fast they are indexed."""

import tempfile
from pathlib import Path

from appliance.clock import monotonic
from appliance.settings import Settings
from bench.figure import Figure
from controller.records import gateway
from controller.records.gateway import Wanted
from controller.records.session import open_records, reading
from controller.records.tables import Base
from controller.workers.index import Index
from controller.workers.site import Site
from network.gateway.journal import Journal
from network.gateway.records import Facts
from network.gateway.vault import Vault

MANY = 100_000
RUNS = 3
GOAL = 0.2  # seconds for one search
SEARCHES = (
    Wanted(),
    Wanted(channel="c3"),
    Wanted(who="10.88.0.7", verdict="refused"),
    Wanted(rule="gateway.no_channel"),
    Wanted(text="nowhere to be found"),
    Wanted(slower=96.5),
    Wanted(kind="ADT^A01"),
    Wanted(direction="intranet->extranet"),
    Wanted(since="2026", until="2027", state="dead"),
    Wanted(delivery="777"),
    Wanted(channel="c1", slower=90.0, before=500),
)


def run() -> list[Figure]:
    """Write a real journal, index it, search it."""
    with tempfile.TemporaryDirectory(prefix="hbox-bench-search-") as folder:
        state = Path(folder)
        site = _site(state)
        _journal(state)
        start = monotonic()
        events = Index(site).catch_up()
        indexed = monotonic() - start
        slowest = [max(_seconds(site, wanted) for wanted in SEARCHES) for _ in range(RUNS)]
    held: dict[str, object] = {"transfers": MANY, "events": events, "searches": len(SEARCHES)}
    return [
        Figure("gateway.search", "s", slowest, conditions={**held, "goal": GOAL}),
        Figure("gateway.index", "transfers/s", [MANY / indexed], conditions=held),
    ]


def _site(state: Path) -> Site:
    engine = open_records(f"sqlite:///{state / 'box.sqlite'}")
    Base.metadata.create_all(engine)
    return Site(Settings(state=state), engine, {})


def _journal(state: Path) -> None:
    folder = state / "gateway" / "journal"
    folder.mkdir(parents=True)
    book = Journal(folder, Vault.fresh())
    list(book.recover())
    for number in range(MANY):
        peer, channel = f"10.88.0.{number % 50}", f"c{number % 7}"
        if number % 10 == 9:
            facts = Facts("refused", side="extranet", peer=peer, rule="gateway.no_channel")
            book.append(facts)
        else:
            told = {"channel": channel, "delivery": str(number), "peer": peer, "kind": "SIU^S12"}
            book.append(Facts("accepted", side="extranet", **told), b"x" * 100)
            book.append(
                Facts("delivered", side="intranet", latency=number % 97, attempts=1, **told)
            )
        if number % 500 == 0:
            book.commit()
    book.commit()


def _seconds(site: Site, wanted: Wanted) -> float:
    start = monotonic()
    with reading(site.engine) as session:
        gateway.transfers(session, wanted)
    return monotonic() - start
