"""Making the token by which one new node may join: shown once, kept as a digest, audited."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from appliance import chance, clock, joining
from appliance.canonical import canonical
from appliance.errors import NotFound, Text, Unavailable
from appliance.secret import Secret
from appliance.settings import Settings
from controller.actions import fields
from controller.actions.nodes_join import NEW_NAME, TOKEN_ACT, NameTaken
from controller.actions.principal import Principal
from controller.records import audit, nodes
from controller.records.cluster import NodeToken
from controller.records.session import transaction
from controller.records.tables import Node

CA = "ca.crt"


class NotYet(Unavailable):
    """First boot has not come so far."""

    code = "join.not_yet"
    text = Text("控制节点尚未就绪：{why}", "The controller is not ready: {why}")


@dataclass(frozen=True)
class Wanted:
    """A token to make: for which node ("": any new one), whether it replaces a dead one, for how long."""

    name: str = ""
    replace: bool = False
    minutes: int = 60


def issue(
    engine: Engine, settings: Settings, who: Principal, wanted: Wanted
) -> tuple[NodeToken, joining.Invitation]:
    """Record a token and return it with its secret; raises `NameTaken`, `NotFound`, `NotYet`."""
    fields.within("minutes", wanted.minutes, 1, 1440)
    if wanted.name or wanted.replace:
        fields.matches("name", wanted.name, NEW_NAME)
    try:
        pem = (settings.state / "tls" / CA).read_text("ascii")
    except OSError as error:
        raise NotYet(what="", why=CA) from error
    secret = Secret(chance.token(32))
    with transaction(engine) as session:
        _check(session, wanted)
        row = _row(who, wanted, secret)
        session.add(row)
        note(session, who, row, "made")
        address = nodes.home(session).address
    made = joining.Invitation(
        id=row.id,
        authority=joining.fingerprint(pem),
        addresses=(f"{address}:{settings.console_port}",),
        secret=secret,
        expires=row.expires_at,
    )
    return row, made


def note(session: Session, who: Principal, row: NodeToken, outcome: str) -> None:
    """Append to the audit trail what became of a token."""
    told = {"secret_sha256": row.secret_hash, "name": row.name, "replaces": row.replaces}
    act = audit.entry(
        who.name,
        who.role,
        TOKEN_ACT,
        on=f"node-token/{row.id}",
        outcome=outcome,
        detail=canonical({**told, "expires": row.expires_at, "via": who.via}).decode(),
    )
    audit.append(session, act)


def _check(session: Session, wanted: Wanted) -> None:
    held = session.get(Node, wanted.name) if wanted.name else None
    if wanted.replace and held is None:
        raise NotFound(what="节点 node", name=wanted.name)
    if held is not None and (held.home or not wanted.replace):
        raise NameTaken(name=wanted.name)


def _row(who: Principal, wanted: Wanted, secret: Secret) -> NodeToken:
    return NodeToken(
        id=chance.new_id(),
        secret_hash=joining.secret_hash(secret.reveal()),
        name=wanted.name,
        replaces=wanted.replace,
        made_by=who.name,
        made_at=clock.iso(),
        expires_at=clock.iso(clock.now() + dt.timedelta(minutes=wanted.minutes)),
    )
