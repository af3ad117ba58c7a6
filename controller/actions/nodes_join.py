"""What a new node asks of the box: to be let in, by a token that a person made for it."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BadInput, Conflict, NotFound, Refused, Text
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.records.cluster import NodeToken
from controller.records.tables import AuditEntry, Job, Node

HOST_KEY = re.compile(r"ssh-ed25519 [A-Za-z0-9+/]{60,80}={0,2}")
NEW_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
TOKEN_ACT = "node.token"  # noqa: S105 - the name of an act
JOINING, REPLACING = "joining", "replacing"
_LONGEST = 4096  # characters of the certificate requests


class TokenUsed(Refused):
    """A token lets one node in, once."""

    code = "join.token_used"
    text = Text("加入令牌已被使用", "The join token was used already")
    hint = Text(
        "请在控制节点运行 hbox node token 重新生成。若不是您本人使用，请检查节点列表。",
        "Make another with `hbox node token`. If it was not you who used it, look at the nodes.",
    )


class TokenExpired(Refused):
    """The token's time is over; or the clocks differ much."""

    code = "join.token_expired"
    text = Text(
        "加入令牌已于 {at} 过期（控制节点当前时间 {now}）",
        "The join token ended at {at} (the controller's clock says {now})",
    )
    hint = Text(
        "请重新生成令牌；若时间相差很大，请先校准两个节点的时钟。",
        "Make another token; if the clocks differ much, set them first.",
    )


class TokenUnknown(Refused):
    """There is no such token here."""

    code = "join.token_unknown"
    text = Text("控制节点不认识该加入令牌", "The controller knows no such join token")
    hint = Text(
        "请确认令牌来自这台控制节点，且未被撤销。",
        "Make sure that the token is of this box and was not revoked.",
    )


class OtherName(Refused):
    """The token is for a node of another name."""

    code = "join.other_name"
    text = Text(
        "该令牌仅供节点 {wanted} 使用，本机名为 {name}",
        "The token is for the node {wanted}; this one is called {name}",
    )
    hint = Text(
        "请修改主机名（hostnamectl set-hostname），或为该名称生成令牌。",
        "Change the host name (hostnamectl set-hostname), or make a token for this name.",
    )


class NameTaken(Conflict):
    """The box has a node of this name."""

    code = "join.name_taken"
    text = Text("已有名为 {name} 的节点", "The box has a node called {name} already")
    hint = Text(
        "请换一个主机名；若要替换已损坏的节点，请用 hbox node token --name {name} --replace。",
        "Choose another host name; to replace a dead node: hbox node token --name {name} --replace.",
    )


class AddressTaken(Conflict):
    """A node of the box has this address."""

    code = "join.address_taken"
    text = Text("地址 {address} 已由节点 {name} 使用", "The address {address} is the node {name}'s")
    hint = Text("请为新节点配置另一个管理地址。", "Give the new node another management address.")


class StillAlive(Conflict):
    """A node that answers is not replaced."""

    code = "join.still_alive"
    text = Text(
        "节点 {name} 仍有应答，不能替换", "The node {name} still answers: it is not replaced"
    )
    hint = Text(
        "请先关闭旧节点的电源并等待其显示为离线；若要保留它，请改用 drain 与 remove。",
        "Power the old one off and wait until it is shown as away; to keep it, drain and remove it.",
    )


class OtherAddress(Conflict):
    """A replacement takes over name and address."""

    code = "join.other_address"
    text = Text(
        "替换节点 {name} 须使用原地址 {wanted}，而非 {address}",
        "Who replaces {name} must have its address {wanted}, not {address}",
    )
    hint = Text(
        "请为新机器配置原地址后重试。", "Give the new machine the old address, then try again."
    )


@dataclass(frozen=True)
class JoinNode(Action):
    """Let a node in. `host_key` is its SSH key, `request` the JSON of its certificate requests."""

    token_id: str
    name: str
    address: str
    host_key: str
    request: str

    kind: ClassVar[str] = "node.join"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "节点 {name}（{address}）加入", "Let the node {name} ({address}) in"
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"node/{self.name}"

    def locks(self) -> tuple[str, ...]:
        """One membership change at a time: it touches every node, and its disks the storage."""
        return (self.object, "nodes", "storage/rbd")

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("token_id", self.token_id, fields.ID)
        fields.matches("name", self.name, NEW_NAME)
        fields.matches("host_key", self.host_key, HOST_KEY)
        try:
            address = ipaddress.IPv4Address(self.address)
        except ValueError as error:
            raise BadInput(what="address", why=f"{self.address[:40]!r}") from error
        if address.is_multicast or address.is_unspecified or address.is_loopback:
            raise BadInput(what="address", why=f"{address} 不是节点地址 is none of a node")
        if len(self.request) > _LONGEST:
            raise BadInput(what="request", why=f"> {_LONGEST}")

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`: by which token, where, with which key."""
        return {"token": self.token_id, "address": self.address, "host_key": self.host_key}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        token = usable(session.get(NodeToken, self.token_id))
        admitted(session, token, self.name, self.address)

    def wish(self, session: Session, job_id: str) -> None:
        """Use the token up, and write the node down as one that joins."""
        token = session.get_one(NodeToken, self.token_id)
        token.used_at, token.job_id = clock.iso(), job_id
        row = session.get(Node, self.name)
        if row is None:
            session.add(
                Node(
                    name=self.name,
                    state=JOINING,
                    address=self.address,
                    host_key=self.host_key,
                    job_id=job_id,
                )
            )
        else:
            row.state, row.job_id = REPLACING, job_id
            row.version += 1

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`: the token was made by a person, is this job's, and the row is as wished."""
        token = session.get(NodeToken, self.token_id)
        row = session.get(Node, self.name)
        if token is None or token.job_id != job_id:
            raise TokenUnknown
        made = select(AuditEntry.number).where(
            AuditEntry.act == TOKEN_ACT,
            AuditEntry.object == f"node-token/{self.token_id}",
            AuditEntry.detail.contains(token.secret_hash, autoescape=True),
        )
        job = session.get(Job, job_id)
        if session.scalar(made.limit(1)) is None or job is None or job.actor != token.made_by:
            raise TokenUnknown
        if row is None or row.job_id != job_id or row.state not in (JOINING, REPLACING):
            raise Conflict(why=f"节点 {self.name} 的记录不符 the record of {self.name} differs")
        if row.home or row.address != self.address:
            raise OtherAddress(name=self.name, wanted=row.address, address=self.address)

    def forget(self, session: Session, job_id: str) -> None:
        """A new node is forgotten; of one to be replaced nothing is expected until somebody tries again."""
        row = session.get(Node, self.name)
        if row is None or row.job_id != job_id:
            return
        if row.state == JOINING:
            session.delete(row)
        elif row.state == REPLACING:
            row.state = "maintenance"
            row.version += 1


def usable(token: NodeToken | None) -> NodeToken:
    """Return the token; raises `TokenUnknown`, `TokenUsed` or `TokenExpired`."""
    if token is None:
        raise TokenUnknown
    if token.used_at is not None:
        raise TokenUsed
    if clock.read_iso(token.expires_at) < clock.now():
        raise TokenExpired(at=token.expires_at[:19] + "Z", now=clock.iso()[:19] + "Z")
    return token


def admitted(session: Session, token: NodeToken, name: str, address: str) -> None:
    """Raise unless a node of this name and address may come in by this token."""
    if token.name and token.name != name:
        raise OtherName(wanted=token.name, name=name)
    held = session.get(Node, name)
    if held is not None:
        _replaceable(held, token, address)
    elif token.replaces:
        raise NotFound(what="节点 node", name=name)
    other = session.scalar(select(Node).where(Node.address == address, Node.name != name))
    if other is not None:
        raise AddressTaken(address=address, name=other.name)


def _replaceable(held: Node, token: NodeToken, address: str) -> None:
    if held.home or not token.replaces or held.state == JOINING:
        raise NameTaken(name=held.name)
    if held.address != address:
        raise OtherAddress(name=held.name, wanted=held.address, address=address)
    if held.why is None:
        raise StillAlive(name=held.name)
