"""The home node is lost: on the other one, one command brings the controller back, and shuts the lost one out."""

import json

import pytest

from appliance.chance import raw
from appliance.clock import monotonic, pause
from images import lab
from images.lab import leftovers

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

TLS = "timeout 20 virsh -c 'qemu+tls://{to}/system?pkipath={keys}' list --all"


@pytest.fixture(scope="module")
def two():
    made = lab.up(f"o{raw(5).hex()}", nodes=2, console_port=None)
    yield made
    made.down()
    assert leftovers.find(made.name) == []


def sh(node, text, *, check=True, stdin=b""):
    return node.run(["bash", "-c", text], check=check, timeout=900, stdin=stdin)


def asked(node, text, **more):
    return json.loads(sh(node, f"hbox {text} --format json", **more).text)


def wait(holds, seconds=90):
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end
        pause(1)


def serves(node):
    return sh(node, "hbox status", check=False).code == 0


@pytest.fixture(scope="module")
def lived(two):
    """Two nodes, a machine on each, a token, a recovery key, and a copy on the second: what was known then."""
    home, other = two.nodes
    wait(lambda: serves(home))
    line = asked(home, f"node token --name {other.name}")["token"]
    sh(other, "hbox node join", stdin=line.encode() + b"\n")
    for node in two.nodes:
        sh(home, f"hbox vm create on-{node.name} --zone intranet --stopped --node {node.name}")
    said = {
        "token": asked(home, "token create reader")["key"],
        "key": sh(home, "hbox records key").text.strip(),
        "vms": vms(home),
        "jobs": [(job["number"], job["id"]) for job in asked(home, "job list")],
        "ca": home.read("/var/lib/hbox/tls/ca.crt"),
    }
    assert asked(other, "records copies") == []
    sh(home, "systemctl restart hbox-worker")  # it looks at its start, and every five minutes
    wait(lambda: asked(other, "records copies") != [])
    for part, path in (("cert", "servercert"), ("key", "private/serverkey")):
        data = home.read(f"/etc/pki/libvirt/{path}.pem")
        other.write(f"/root/former/client{part}.pem", data, mode=0o600)
    sh(other, "cp /etc/pki/CA/cacert.pem /root/former/")
    other.write("/root/key", said["key"].encode(), mode=0o600)
    other.write("/root/wrong", b"-".join([b"AAAA"] * 14), mode=0o600)
    return said


def let_in(node, to):
    ask = TLS.format(to=to.address, keys="/root/former")
    return sh(node, ask, check=False).code == 0


def vms(node):
    return sorted(
        (vm["id"], vm["name"], vm["node"], vm["address"]) for vm in asked(node, "vm list")
    )


def refused(node, text):
    got = sh(node, f"hbox records takeover {text}", check=False)
    assert got.code == 1
    return got.err.decode()


def test_the_copy_lies_on_the_other_node_and_says_nothing_to_whoever_has_no_key(two, lived):
    _, other = two.nodes
    (copy, *_) = asked(other, "records copies")
    assert copy["node"] == two.nodes[0].name
    held = sh(other, f"cat {copy['path']}").out
    assert lived["vms"][0][1].encode() not in held
    assert sh(other, f"stat -c %a {copy['path']}").text.strip() == "600"


def test_nothing_is_taken_over_from_a_home_that_lives(two, lived):
    home, other = two.nodes
    assert "records.former_runs" in refused(other, "--former-home-is-off --key-file /root/key")
    assert "records.not_member" in refused(home, "--former-home-is-off --key-file /root/key")
    assert let_in(other, other)


def test_one_command_brings_the_controller_back(two, lived):
    home, other = two.nodes
    two.cut(0)
    assert "records.not_said" in refused(other, "--key-file /root/key")
    assert "wrong_key" in refused(other, "--former-home-is-off --key-file /root/wrong")
    assert sh(other, "systemctl is-active hbox-web", check=False).text.strip() == "inactive"

    sh(other, "hbox records takeover --former-home-is-off --key-file /root/key")

    assert vms(other) == lived["vms"]
    jobs = [(job["number"], job["id"]) for job in asked(other, "job list")]
    assert set(lived["jobs"]) <= set(jobs)
    assert len({number for number, _ in jobs}) == len(jobs)
    nodes = {row["name"]: row for row in asked(other, "node list")}
    assert nodes[other.name]["home"]
    assert not nodes[home.name]["home"]
    assert nodes[home.name]["why"]
    units = "hbox-web hbox-worker hbox-console hbox-gateway"
    wait(lambda: set(sh(other, f"systemctl is-active {units}", check=False).text.split()) == {"active"})  # fmt: skip
    assert other.read("/var/lib/hbox/tls/ca.crt") == lived["ca"]


def test_the_chain_goes_on_unbroken(two, lived):
    _, other = two.nodes

    def sealed():
        said = json.loads(sh(other, "runuser -u hbox-aud -- hbox audit verify --format json").text)
        assert said["holds"], said
        return said["seals"] == "hold" and said["sealed"] == said["entries"]

    wait(sealed, 30)
    acts = [entry["act"] for entry in json.loads(sh(other, "runuser -u hbox-aud -- hbox audit list --format json").text)]  # fmt: skip
    assert "records.restore" in acts


def test_tokens_and_trust_of_before_are_good_on_the_new_home(two, lived):
    """From outside, at the new address, by the CA that the hospital's browsers know already."""
    _, other = two.nodes
    code = f"""
import ssl, urllib.request
trust = ssl.create_default_context(cafile="/var/lib/hbox/tls/ca.crt")
asked = urllib.request.Request("https://{other.address}:8443/api/v1/vms", headers={{"Authorization": "Bearer {lived["token"]}"}})
print(urllib.request.urlopen(asked, context=trust, timeout=20).read().decode())
"""
    said = json.loads(sh(other, "python3 -", stdin=code.encode()).text)
    assert {vm["name"] for vm in said["items"]} == {name for _, name, _, _ in lived["vms"]}


def test_work_goes_on(two, lived):
    _, other = two.nodes
    sh(other, "hbox vm create fresh --zone extranet --stopped")
    (made,) = [vm for vm in asked(other, "vm list") if vm["name"] == "fresh"]
    assert made["node"] == other.name, "nothing is placed on a node that is lost"
    assert made["address"] not in {address for *_, address in lived["vms"]}
    sh(other, f"hbox vm delete on-{other.name} && hbox vm delete fresh")
    assert asked(other, f"node configure {other.name}")["result"]["changed"] == 0


def test_a_former_home_that_comes_back_reaches_nobody(two, lived):
    home, other = two.nodes
    two.start(0)
    wait(lambda: serves(home), 120)
    assert not let_in(other, other), "its certificates are revoked"
    ssh = "ssh -i /var/lib/hbox/keys/nodes.ed25519 -o BatchMode=yes -o StrictHostKeyChecking=no"
    tried = sh(home, f"if {ssh} root@{other.address} true; then echo open; else echo shut; fi")
    assert tried.text.strip() == "shut", "its key opens no door"
    wait(lambda: {row["name"]: row["why"] for row in asked(home, "node list")}[other.name], 180)
    nodes = {row["name"]: row for row in asked(other, "node list")}
    assert nodes[other.name]["home"]
    assert nodes[home.name]["why"]
    fabric = json.loads(other.read("/var/lib/hbox/network/fabric.json"))
    assert fabric["home"] is True


def test_in_its_place_a_fresh_machine_joins_the_new_home(two, lived):
    home, other = two.nodes
    two.renew(0)
    line = asked(other, f"node token --name {home.name} --replace")["token"]
    got = sh(home, "hbox node join", stdin=line.encode() + b"\n")
    assert got.code == 0
    nodes = {row["name"]: row for row in asked(other, "node list")}
    assert (nodes[home.name]["state"], nodes[home.name]["why"], nodes[home.name]["home"]) == ("active", None, False)  # fmt: skip
    assert "cli.not_home" in sh(home, "hbox vm list", check=False).err.decode()
    wait(lambda: asked(home, "records copies") != [], 400)
