"""A guest learns its static address and nothing that would let anybody in."""

import yaml

from controller.drivers.seed import Card, Guest, seed_files

CARD = Card("52:54:00:12:34:56", "10.88.0.10")
GUEST = Guest("6f1c", "appointment", "10.88.0.0/24", (CARD,))


def test_the_address_is_static_and_there_is_no_way_out():
    network = yaml.safe_load(seed_files(GUEST)["network-config"])
    link = network["ethernets"]["zone0"]
    assert network["version"] == 2
    assert link["addresses"] == ["10.88.0.10/24"]
    assert link["match"] == {"macaddress": "52:54:00:12:34:56"}
    assert (link["dhcp4"], link["dhcp6"], link["accept-ra"]) == (False, False, False)
    assert not {"gateway4", "gateway6", "routes", "nameservers"} & set(link)


def test_nobody_can_log_in():
    text = seed_files(GUEST)["user-data"]
    told = yaml.safe_load(text)
    assert text.startswith(b"#cloud-config\n")
    assert (told["users"], told["disable_root"], told["ssh_pwauth"]) == ([], True, False)
    assert b"password" not in text.replace(b"ssh_pwauth", b"")


def test_the_instance_is_the_vm():
    told = yaml.safe_load(seed_files(GUEST)["meta-data"])
    assert told == {"instance-id": "6f1c", "local-hostname": "appointment"}


def test_a_name_cannot_add_keys():
    files = seed_files(Guest("x", "a\nusers: [root]", "10.88.0.0/24", (CARD,)))
    assert yaml.safe_load(files["user-data"])["hostname"] == "a\nusers: [root]"
    assert yaml.safe_load(files["user-data"])["users"] == []
