"""Certificates of the nodes: the same again for the same keys, new ones in time, none for who left."""

import json
from dataclasses import replace

import pytest

from appliance import ca, node_keys
from appliance.host import Result
from appliance.node_ca import PARTS, NodeAuthority
from appliance.settings import Settings
from controller.workers import nodes_trust
from controller.workers.fleet import Fleet, Member, folder
from controller.workers.nodes_network import differs
from controller.workers.site import NodeDrivers, Site


class Files:
    """A node as far as its files go; what is run there is noted, and sha256sum answered."""

    name = "n2"

    def __init__(self, requests):
        self.files, self.ran, self.requests = {}, [], requests

    def run(self, argv, **_given):
        self.ran.append(argv)
        out = json.dumps(self.requests) if "keys" in argv else ""
        return Result(tuple(argv), 0, out.encode(), b"")

    def read(self, path):
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def write(self, path, data, *, mode=0o644):
        self.files[path] = data


@pytest.fixture
def site(tmp_path):
    made = Site(Settings(state=tmp_path), None, {})
    (tmp_path / "tls").mkdir()
    NodeAuthority.of(tmp_path).ensure()
    return made


@pytest.fixture
def node(tmp_path):
    return Files(node_keys.requests("n2", top=tmp_path / "n2"))


def certificates(site):
    return {part: (folder(site.settings) / "n2" / f"{part}.crt").read_bytes() for part in PARTS}


def test_a_node_is_equipped_once_and_a_second_time_changes_nothing(site, node):
    nodes_trust.equip(site, "n2", "192.0.2.2", node)
    first = dict(node.files)
    assert {place.certificate for place in node_keys.PLACES.values()} < set(first)
    assert not any("PRIVATE" in data.decode() for data in first.values()), "no key travels"
    taken = len([argv for argv in node.ran if "virt-admin" in " ".join(argv)])
    nodes_trust.equip(site, "n2", "192.0.2.2", node)
    assert node.files == first
    assert len([argv for argv in node.ran if "virt-admin" in " ".join(argv)]) == taken == 1


def test_what_runs_out_soon_is_renewed_for_the_same_keys_and_the_old_one_revoked(
    site, node, monkeypatch
):
    nodes_trust.equip(site, "n2", "192.0.2.2", node)
    old = certificates(site)
    monkeypatch.setattr(ca, "RENEW_DAYS", ca.SERVER_DAYS + 1)
    nodes_trust.equip(site, "n2", "192.0.2.2", node)
    new = certificates(site)
    authority = NodeAuthority.of(site.settings.state)
    for part in PARTS:
        assert new[part] != old[part]
        assert authority.is_revoked(old[part])
        assert not authority.is_revoked(new[part])
        assert node.files[node_keys.PLACES[part].certificate] == new[part]
        assert node.files[node_keys.PLACES[part].revoked] == authority.revoked.read_bytes()


def test_who_left_is_trusted_no_longer_and_a_successor_gets_its_own(site, node, tmp_path):
    nodes_trust.equip(site, "n2", "192.0.2.2", node)
    old = certificates(site)
    successor = {p: t.encode() for p, t in node_keys.requests("n2", top=tmp_path / "new").items()}
    assert not nodes_trust.is_for(site, "n2", successor)
    nodes_trust.drop(site, "n2")
    nodes_trust.drop(site, "n2")
    authority = NodeAuthority.of(site.settings.state)
    assert all(authority.is_revoked(pem) for pem in old.values())
    made = nodes_trust.certify(site, "n2", "192.0.2.2", successor)
    assert not any(authority.is_revoked(pem) for pem in made.values())
    assert nodes_trust.certify(site, "n2", "192.0.2.2", successor) == made


def test_home_learns_of_who_left_also_when_it_is_the_last_node(site, node):
    nodes_trust.equip(site, "n2", "192.0.2.2", node)
    home = Files({})
    alone = replace(site, nodes={"home": NodeDrivers(None, None, home)})
    nodes_trust.drop(alone, "n2")
    nodes_trust.tell_home(alone)
    crl = NodeAuthority.of(site.settings.state).revoked.read_bytes()
    assert home.files[node_keys.PLACES["log"].revoked] == crl
    assert "rsyslog" in home.ran[-1][-1]
    asked = len(home.ran)
    nodes_trust.tell_home(alone)
    assert len(home.ran) == asked, "once"


class Two(Fleet):
    """Home, and another node that is this test's."""

    def __init__(self, node):
        self.node = node

    def members(self):
        one = Member("n1", home=True, address="192.0.2.1", host_key="", state="active")
        return [one, replace(one, name="n2", home=False, address="192.0.2.2")]

    def __getitem__(self, name):
        if name == "n1":
            raise KeyError(name)
        return NodeDrivers(None, None, self.node)


def test_a_certificate_that_was_issued_and_did_not_arrive_is_laid_later(site, node, monkeypatch):
    nodes_trust.equip(site, "n2", "192.0.2.2", node)
    old = node.files[node_keys.PLACES["log"].certificate]
    monkeypatch.setattr(ca, "RENEW_DAYS", ca.SERVER_DAYS + 1)
    asked = {part: text.encode() for part, text in node.requests.items()}
    nodes_trust.certify(site, "n2", "192.0.2.2", asked)  # and the node was away
    monkeypatch.undo()
    assert NodeAuthority.of(site.settings.state).is_revoked(old)
    nodes_trust.renew_node_certificates(replace(site, nodes=Two(node)))
    assert node.files[node_keys.PLACES["log"].certificate] == certificates(site)["log"] != old
    asked = len(node.ran)
    nodes_trust.renew_node_certificates(replace(site, nodes=Two(node)))
    assert len(node.ran) == asked, "what lies there is not laid again"


@pytest.mark.parametrize("raw", ["", "[]", "{}", '{"libvirt": "x"}', "null"])
def test_half_an_application_is_none(raw):
    with pytest.raises(nodes_trust.NotItsKey):
        nodes_trust.requests_of(raw)


def test_one_question_tells_whether_a_node_is_up_to_date():
    class Host:
        name = "n2"

        def run(self, argv, **_given):
            digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
            return Result(tuple(argv), 0, f"{digest}  /a\n".encode(), b"")

    assert not differs(Host(), {"/a": b"x"})
    assert differs(Host(), {"/a": b"y"})
    assert differs(Host(), {"/a": b"x", "/b": b""})
