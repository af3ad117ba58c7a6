"""A web application in process, and programs that ask it with API tokens."""

from dataclasses import dataclass, field

from sqlalchemy import select

from appliance import chance, clock
from controller.access import tokens
from controller.actions.base import Role
from controller.actions.rights import Right, Scope
from controller.actions.standing import principal_of
from controller.records.cluster import Grant, Tenant
from controller.records.session import transaction
from controller.records.tables import Account, Vm, Volume
from controller.serve import create_app

FAR = "2999-01-01T00:00:00+00:00"
_NAMES = {Role.SYSTEM: "sysadmin", Role.SECURITY: "secadmin", Role.AUDIT: "audadmin"}


@dataclass
class Web:
    """The whole application on a controller's records, without a server before it."""

    controller: object
    made: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = create_app(self.controller.settings)
        self.engine = self.controller.engine
        self.client = self.app.test_client()

    def close(self) -> None:
        self.app.extensions["hbox.engine"].dispose()

    def account(self, role: Role, name: str = "") -> str:
        """Return the name of an account with this role; made where there is none."""
        name = name or _NAMES.get(role, f"a-{role}")
        with transaction(self.engine) as session:
            if session.scalar(select(Account).where(Account.name == name)) is None:
                made = Account(id=chance.new_id(), name=name, role=str(role), created_at="now")
                made.vendor = "acme" if role is Role.VENDOR else None
                session.add(made)
        return name

    def grant(self, name: str, right: str, path: str) -> str:
        with transaction(self.engine) as session:
            owner = session.scalar(select(Account).where(Account.name == name))
            made = Grant(
                id=chance.new_id(),
                account_id=owner.id,
                right=right,
                path=path,
                made_by="secadmin",
                created_at="now",
            )
            session.add(made)
            return made.id

    def principal(self, name: str):
        with transaction(self.engine) as session:
            owner = session.scalar(select(Account).where(Account.name == name))
            return principal_of(session, owner, "test")

    def key(self, name: str, right: str = "manage", path: str = "/", days: int = 1) -> str:
        """Return a key of this account; the same one for the same wish."""
        wish = f"{name} {right} {path} {days}"
        if wish not in self.made:
            scope = Scope(Right(right), path)
            wanted = tokens.Wanted(f"t{len(self.made)}x", scope, days)
            self.made[wish] = tokens.issue(self.engine, self.principal(name), wanted).key
        return self.made[wish]

    def ask(self, key: str, method: str, address: str, body=None, **headers):
        got = self.client.open(
            address, method=method, json=body, headers={"Authorization": f"Bearer {key}", **headers}
        )
        got.get_data()
        return got

    def get(self, key: str, address: str):
        return self.ask(key, "GET", f"/api/v1{address}")

    def tenant(self, name: str) -> None:
        with transaction(self.engine) as session:
            session.add(Tenant(name=name, created_at=clock.iso()))

    def vm(self, name: str, tenant: str = "", at: int = 10, actual: str = "running") -> str:
        with transaction(self.engine) as session:
            made = Vm(
                id=chance.new_id(),
                name=name,
                node="node-1",
                zone="intranet",
                address=f"10.66.{at // 200}.{at % 200}",
                mac=f"52:54:00:00:{at // 256:02x}:{at % 256:02x}",
                vcpus=2,
                memory_mib=512,
                disk_gib=4,
                tenant=tenant,
                wished=actual,
                actual=actual,
                job_id="-",
                created_at=clock.iso(),
            )
            session.add(made)
            return made.id

    def volume(self, tenant: str = "", vm_id: str | None = None) -> str:
        owner = chance.new_id()
        with transaction(self.engine) as session:
            session.add(
                Volume(
                    id=f"{owner}/data",
                    vm_id=vm_id,
                    kind="data",
                    path="-",
                    name="d",
                    tenant=tenant,
                    size_gib=3,
                    created_at=clock.iso(),
                )
            )
        return owner
