"""The ruleset as text, against golden files, and what may not become a flow."""

import json
from pathlib import Path

import pytest

from appliance.errors import BadInput
from network import fabric as fabrics
from network.apply import read_flows, write_flows
from network.fabric import ALONE, Fabric
from network.firewall import Abilities, Flow, ruleset
from network.nft import differences
from network.zones import PLAN, prefixed

GOLDEN = Path(__file__).parent / "golden"
FLOWS = (
    Flow("extranet", "10.88.0.200", "10.88.0.10", 8080, '患者 "patient" page'),
    Flow("extranet", "10.88.0.10", "10.88.0.2", 8080, "appointment -> gateway"),
    Flow("intranet", "10.66.0.2", "10.66.0.10", 8080, "gateway -> his-standin"),
)
CASES = {
    "stateful": (FLOWS, Abilities(conntrack=True, bridge_name=True)),
    "stateless": (FLOWS, Abilities(conntrack=False, bridge_name=False)),
    "closed": ((), Abilities(conntrack=True, bridge_name=True)),
}
SPANNING = {
    "home": Fabric(home=True, address="10.77.0.10", peers=("10.77.0.11", "10.77.0.12")),
    "member": Fabric(home=False, address="10.77.0.11", peers=("10.77.0.10", "10.77.0.12")),
}


@pytest.mark.parametrize("name", CASES)
def test_the_text_is_the_golden_one(name):
    flows, abilities = CASES[name]
    assert ruleset(PLAN, flows, abilities) == (GOLDEN / f"{name}.nft").read_text("utf-8")


@pytest.mark.parametrize("name", SPANNING)
def test_the_text_of_a_node_among_others_is_the_golden_one(name):
    text = ruleset(PLAN, FLOWS, Abilities(conntrack=True, bridge_name=True), SPANNING[name])
    assert text == (GOLDEN / f"{name}.nft").read_text("utf-8")


def test_a_peer_that_is_no_address_never_becomes_a_rule():
    evil = Fabric(home=True, address="10.77.0.10", peers=("10.77.0.11 } accept",))
    with pytest.raises(ValueError, match="accept"):
        ruleset(PLAN, FLOWS, Abilities(conntrack=True, bridge_name=True), evil)


@pytest.mark.parametrize(
    "flow",
    [
        Flow("storage", "10.66.0.10", "10.66.0.11", 80, ""),
        Flow("intranet", "10.66.0.10", "10.88.0.10", 80, ""),
        Flow("intranet", "10.66.0.0/24", "10.66.0.10", 80, ""),
        Flow("intranet", "any", "10.66.0.10", 80, ""),
        Flow("intranet", "10.66.0.10", "10.66.0.10", 80, ""),
        Flow("intranet", "10.66.0.10", "10.66.0.11", 0, ""),
    ],
)
def test_what_is_no_flow_is_refused(flow):
    with pytest.raises(BadInput):
        ruleset(PLAN, [flow], Abilities(conntrack=True, bridge_name=True))


def test_a_purpose_cannot_end_its_quotes():
    evil = Flow(
        "intranet", "10.66.0.10", "10.66.0.11", 80, 'x" accept\n\t\taccept comment "' + "长" * 90
    )
    text = ruleset(PLAN, [evil], Abilities(conntrack=True, bridge_name=True))
    (line,) = [
        line
        for line in text.splitlines()
        if "tcp dport" in line and "bridge" not in line and "10.66" in line
    ]
    assert line.count('"') == 2
    assert len(line.split('"')[1].encode()) <= 100


def test_flows_survive_their_file(tmp_path):
    assert read_flows(tmp_path / "none") == ()
    write_flows(FLOWS, tmp_path / "flows.json")
    assert read_flows(tmp_path / "flows.json") == FLOWS
    (tmp_path / "flows.json").write_text('[{"zone": 1}]')
    with pytest.raises(BadInput):
        read_flows(tmp_path / "flows.json")


def test_differences_name_what_is_missing_or_more():
    def listing(*rules, policy="drop"):
        chain = {"chain": {"family": "inet", "table": "hbox", "name": "forward", "policy": policy}}
        told = [{"rule": {"table": "hbox", "handle": n, "expr": r}} for n, r in enumerate(rules)]
        other = {"table": {"family": "ip", "name": "other"}}
        return json.dumps({"nftables": [{"metainfo": {}}, other, chain, *told]}).encode()

    assert differences(listing("a", "b"), listing("a", "b")) == []
    assert len(differences(listing("a"), listing("a", "b"))) == 1
    assert len(differences(listing("a"), listing("a", policy="accept"))) == 2
    assert differences(listing("a", "b"), listing("b", "a"))


def test_a_prefix_keeps_interface_names_short():
    plan = prefixed("tabcd")
    names = [name for zone in plan.zones for name in (zone.bridge, zone.uplink, zone.leg)]
    assert max(map(len, names)) <= 15
    assert not {*names, *plan.namespaces} & {z.bridge for z in PLAN.zones} | set(
        PLAN.namespaces
    ) & set(plan.namespaces)


def test_what_a_node_knows_of_the_others_survives_its_file(tmp_path):
    path = tmp_path / "fabric.json"
    assert fabrics.read(path) == ALONE
    fabrics.write(SPANNING["member"], path)
    assert fabrics.read(path) == SPANNING["member"]
    path.write_text('{"home": "maybe"}')
    with pytest.raises(BadInput):
        fabrics.read(path)
