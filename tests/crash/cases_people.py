"""Nodes, people, tenants and their rights."""

import json
import uuid
from dataclasses import replace

from sqlalchemy import select

from appliance.host import LocalHost
from controller.actions.accounts import AddAccount, DisableAccount, ResetAccount, UnlockAccount
from controller.actions.base import Action
from controller.actions.consoles import OpenConsole
from controller.actions.grants import AddGrant, RemoveGrant
from controller.actions.nodes import InspectNode
from controller.actions.nodes_life import DrainNode, RestoreNode
from controller.actions.tenants import RemoveTenant, SetTenant
from controller.records.session import transaction
from controller.records.tables import Account, RecoveryCode
from controller.workers.site import Site
from tests.crash.case import Case
from tests.crash.cases_vms import VM, machine, settled
from tests.crash.world import HOME, OTHER, World

ACCOUNT, GRANT, SESSION = (str(uuid.UUID(int=n, version=4)) for n in (1, 2, 3))
_GRANT = (GRANT, "ward", "operate", "/tenants/ward-3")
_TENANT = SetTenant("ward-3", 4, 8, 4096, 100)
_ADD = AddAccount(ACCOUNT, "ward", "tenant", "")


def _really(site: Site) -> Site:
    """The home node is this machine: its inventory only reads."""
    home = replace(site.nodes[HOME], host=LocalHost())
    return replace(site, nodes={HOME: home, OTHER: site.nodes[OTHER]})


def _after(action: Action, *earlier: tuple[str, Action]):
    def prepare(world: World) -> Action:
        for who, one in earlier:
            settled(world, one, who)
        return action

    return prepare


def _full(world: World) -> Action:
    machine(world, storage="rbd")
    return DrainNode(HOME, json.dumps({VM: OTHER}))


def _drained(world: World) -> Action:
    settled(world, _full(world))
    return RestoreNode(HOME)


def _looking(world: World) -> Action:
    machine(world)
    return OpenConsole(VM, SESSION, "serial")


def _shut_out(world: World, action: Action) -> Action:
    with transaction(world.engine) as session:
        account = session.scalar(select(Account).where(Account.name == "sid"))
        account.password_hash, account.factor_secret = "$argon2id$", "sealed"
        account.failed, account.locked_until = 2, "2999-01-01T00:00:00+00:00"
        session.add(RecoveryCode(code_hash="h", account_id=account.id))
    return action


CASES: dict[str, list[Case]] = {
    "node.inspect": [
        Case(
            lambda _world: InspectNode(HOME),
            returns=False,
            around=_really,
            ignored=frozenset({"nodes.facts", "nodes.accelerator"}),
            changes=False,
        )
    ],
    "node.drain": [Case(_full, returns=False)],
    "node.restore": [Case(_drained, returns=False)],
    "account.add": [
        Case(lambda _world: _ADD, who="sue", ignored=frozenset({"accounts.code_hash"}))
    ],
    "account.disable": [Case(lambda _world: DisableAccount("sid"), who="sue", returns=False)],
    "account.unlock": [
        Case(lambda world: _shut_out(world, UnlockAccount("sid")), who="sue", returns=False)
    ],
    "account.reset": [
        Case(
            lambda world: _shut_out(world, ResetAccount("sid", factor=True)),
            who="sue",
            returns=False,
            ignored=frozenset({"accounts.code_hash"}),
        )
    ],
    "tenant.set": [Case(lambda _world: _TENANT)],
    "tenant.remove": [Case(_after(RemoveTenant("ward-3"), ("sam", _TENANT)))],
    "grant.add": [Case(_after(AddGrant(*_GRANT), ("sam", _TENANT), ("sue", _ADD)), who="sue")],
    "grant.remove": [
        Case(
            _after(
                RemoveGrant(*_GRANT), ("sam", _TENANT), ("sue", _ADD), ("sue", AddGrant(*_GRANT))
            ),
            who="sue",
            returns=False,
        )
    ],
    "vm.console": [Case(_looking, returns=False)],
}
