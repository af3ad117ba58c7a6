"""The exchange: channels, orders, looks, exports, reports, signatures, certificates, compliance."""

import hashlib

from cryptography.hazmat.primitives.asymmetric import ec

from appliance import clock
from appliance.ca import Authority
from appliance.onetime import Opener
from controller.actions.base import Action
from controller.actions.channels import ApproveChange, ProposeChange, RejectChange, TryChange
from controller.actions.gateway import ProveGateway
from controller.actions.orders import DropDead, PauseChannel, RerunDead, ResumeChannel
from controller.actions.peers import IssuePeer
from controller.actions.signatures import ImportSignatures
from controller.actions.supervision import (
    AcknowledgeAlert,
    ExportTransfers,
    LookBody,
    MakeReport,
    RebuildIndex,
)
from controller.records.exchange import Alert
from controller.records.gateway import Wanted
from controller.workers import orders
from controller.workers.index import Index
from network.gateway import vault
from network.gateway.journal import Journal
from network.gateway.records import Facts
from tests.crash.case import Case
from tests.crash.world import World
from tests.unit.controller.workers.box import CHANNEL
from tests.unit.controller.workers.exchange import transfer
from tests.unit.controller.workers.test_peers import request

ALERT = "8f1c1b1e-0000-4000-8000-000000000001"
DEAD = "0f0f0f0f-1111"
UPLOAD = "0b7f1c1e-9a44-4a52-8f0e-1d6a5f3c2b10.hmod"
OWN = b"HBox.Test.Sample:0:*:48424f582d53414d504c452d5354524e47\n"

orders.PATIENCE = 0.0  # no guard runs here that would obey


def _proposed(world: World) -> str:
    world.propose()
    return world.book.get(1).digest


def _approving(world: World) -> Action:
    return ApproveChange(1, _proposed(world), "")


def _rejecting(world: World) -> Action:
    _proposed(world)
    return RejectChange(1, "不需要")


def _open(world: World) -> None:
    _proposed(world)
    assert world.approve(1).state == "succeeded"


def _ordering(action: Action):
    def prepare(world: World) -> Action:
        _open(world)
        world.write(transfer(1, channel="lab-report", state="dead", delivery=DEAD))
        return action

    return prepare


def _crossed(world: World) -> None:
    _open(world)
    keys = vault.load(world.settings.keys / vault.FILE)
    journal = Journal(world.folder / "gateway" / "journal", keys)
    list(journal.recover())
    body = b'{"resourceType":"Observation","id":"a1","status":"final"}'
    facts = Facts("accepted", channel="lab-report", side="intranet", delivery="d1")
    journal.append(facts, body)
    journal.commit()
    journal.close()
    Index(world.site).catch_up()


def _trying(world: World) -> Action:
    _crossed(world)
    world.propose(
        CHANNEL.replace('  { path = "status", type = "code" },\n', ""), op="change", base=1
    )
    return TryChange(2, 24)


def _looking(world: World) -> Action:
    _crossed(world)
    return LookBody(1, "message", False, "患者投诉：预约丢失", Opener().public)


def _exporting(world: World) -> Action:
    _crossed(world)
    return ExportTransfers.of(Wanted(channel="lab-report"))


def _indexing(world: World) -> Action:
    _crossed(world)
    return RebuildIndex()


def _alerted(world: World) -> Action:
    world.write(
        Alert(
            id=ALERT,
            rule="dead",
            subject="x",
            tone="warn",
            facts={},
            opened_at="now",
            seen_at="now",
        )
    )
    return AcknowledgeAlert(ALERT)


def _issuing(world: World) -> Action:
    tls = world.folder / "tls"
    Authority(tls / "ca.crt", world.settings.keys / "ca.key").ensure("测试医院")
    return IssuePeer("lis", "10.66.0.20", "tls", request(ec.generate_private_key(ec.SECP256R1())))


def _signatures(world: World) -> Action:
    (world.folder / "uploads").mkdir(exist_ok=True)
    (world.folder / "uploads" / UPLOAD).write_bytes(OWN)
    return ImportSignatures("own.ndb", UPLOAD, hashlib.sha256(OWN).hexdigest())


CASES: dict[str, list[Case]] = {
    "gateway.prove": [
        Case(
            lambda _world: ProveGateway(),
            ignored=frozenset({"proofs.document", "proofs.id", "proofs.level"}),
        )
    ],
    "gateway.channel.propose": [
        Case(
            lambda _world: ProposeChange("new", "lab-report", 0, CHANNEL, "因业务需要"),
            ignored=frozenset({"channel_changes.digest"}),
        )
    ],
    "gateway.channel.pause": [
        Case(_ordering(PauseChannel("lab-report", "演练")), who="sue", returns=False)
    ],
    "gateway.channel.resume": [
        Case(_ordering(ResumeChannel("lab-report", "完毕")), who="sue", returns=False)
    ],
    "gateway.change.try": [
        Case(_trying, returns=False, changes=False, ignored=frozenset({"channel_changes.trial"}))
    ],
    "gateway.change.approve": [Case(_approving, who="sue")],
    "gateway.change.reject": [Case(_rejecting, who="sue")],
    "gateway.dead.rerun": [Case(_ordering(RerunDead(DEAD, "对端已恢复")), returns=False)],
    "gateway.dead.drop": [Case(_ordering(DropDead(DEAD, "已人工处理")), returns=False)],
    "gateway.peer.issue": [Case(_issuing, who="sue", changes=False)],
    "gateway.signatures.import": [Case(_signatures, who="sue")],
    "gateway.look": [Case(_looking, who="aud", changes=False)],
    "gateway.export": [Case(_exporting, who="aud", changes=False)],
    "gateway.report": [
        Case(
            lambda _world: MakeReport(clock.local().date().isoformat()),
            returns=False,
            ignored=frozenset({"gateway_reports.digest"}),
        )
    ],
    "gateway.alert.ack": [Case(_alerted)],
    "gateway.index": [Case(_indexing, returns=False, changes=False)],
}
