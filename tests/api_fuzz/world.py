"""A box's web process with something in it, on loopback, without a worker: what is asked for is never done."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from appliance import chance, clock
from appliance.ca import Authority
from appliance.settings import Settings
from controller.access import factors, people, tokens
from controller.actions.base import Role
from controller.actions.rights import Right, Scope
from controller.actions.standing import principal_of
from controller.records.cluster import Grant, Storage, Tenant
from controller.records.migrate import upgrade
from controller.records.session import open_records, transaction
from controller.records.tables import Account, Node, Vm, Volume

VM = "00000000-0000-4000-8000-000000000001"
NAMES = {Role.SYSTEM: "sysadmin", Role.SECURITY: "secadmin", Role.AUDIT: "audadmin"}


@dataclass(frozen=True)
class World:
    """The settings of the box and a key for each role."""

    settings: Settings
    keys: dict[Role, str]


def make(folder: Path, port: int) -> World:
    """Make the records of a box with a node, a tenant, machines, volumes; and a key for each role."""
    settings = Settings(state=folder / "state", run=folder / "run", console_port=port)
    for name in ("uploads", "audit", "reports", "gateway", "tls", "keys", "looks", "exports"):
        (settings.state / name).mkdir(parents=True)
    settings.run.mkdir()
    upgrade(settings.database)
    tls = settings.state / "tls"
    authority = Authority(tls / "ca.crt", settings.keys / "ca.key")
    authority.ensure("测试医院")
    names = ["localhost", "127.0.0.1"]
    authority.issue(tls / "server.crt", tls / "server.key", names=names, site="测试医院")
    factors.lock(settings).ensure()
    engine = open_records(settings.database)
    with transaction(engine) as session:
        people.ensure_administrators(session)
        session.add(Node(name="node-1"))
        session.add(Tenant(name="red", created_at=clock.iso()))
        session.add(Storage(name="dir", kind="dir"))
        session.flush()
        _machines(session)
        _people(session)
    keys = {role: _key(engine, role) for role in Role}
    engine.dispose()
    return World(settings, keys)


def _machines(session) -> None:
    for n in range(1, 6):
        vm_id = VM[:-1] + str(n)
        vm = Vm(
            id=vm_id,
            name=f"vm-{n}",
            node="node-1",
            zone="intranet",
            address=f"10.66.0.{10 + n}",
            mac=f"52:54:00:00:00:0{n}",
            vcpus=1,
            memory_mib=256,
            disk_gib=2,
            tenant="red" if n % 2 else "",
            wished="stopped",
            actual="stopped",
            job_id="-",
            created_at=clock.iso(),
        )
        session.add(vm)
    session.flush()
    session.add(
        Volume(id=f"{chance.new_id()}/data", kind="data", path="-", name="data-1", tenant="red")
    )


def _people(session) -> None:
    for role in Role:
        if role not in NAMES:
            vendor = "acme" if role is Role.VENDOR else None
            account = Account(
                id=chance.new_id(),
                name=f"a-{role}",
                role=str(role),
                vendor=vendor,
                created_at=clock.iso(),
            )
            session.add(account)
            session.flush()
            if role is Role.TENANT:
                grant = Grant(
                    id=chance.new_id(),
                    account_id=account.id,
                    right="manage",
                    path="/tenants/red",
                    made_by="secadmin",
                    created_at=clock.iso(),
                )
                session.add(grant)


def _key(engine, role: Role) -> str:
    with transaction(engine) as session:
        account = session.scalar(
            select(Account).where(Account.name == NAMES.get(role, f"a-{role}"))
        )
        who = principal_of(session, account, "test")
    return tokens.issue(engine, who, tokens.Wanted("fuzz", Scope(Right.MANAGE, "/"), 1)).key
