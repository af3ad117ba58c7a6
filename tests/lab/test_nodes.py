"""A second node joins, is refused where it must be, is configured twice, drained, removed, replaced: for real."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from appliance.chance import raw
from appliance.clock import monotonic, pause
from appliance.errors import Unavailable
from appliance.host import LocalHost
from images import lab
from images.lab import leftovers
from images.lab.forward import free_port
from tests.cluster.interrupt import interrupted
from tests.lab import asked_nodes, migrating

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

TLS = "timeout 20 virsh -c 'qemu+tls://{to}/system{more}' list --all"


@pytest.fixture(scope="module")
def two():
    made = lab.up(f"j{raw(5).hex()}", nodes=2, console_port=free_port())
    yield made
    made.down()
    assert leftovers.find(made.name) == []


def sh(node, text, *, check=True, timeout=600, stdin=b""):
    return node.run(["bash", "-c", text], check=check, timeout=timeout, stdin=stdin)


def asked(node, text, **more):
    return json.loads(sh(node, f"{text} --format json", **more).text)


def wait(holds, seconds=60):
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end
        pause(1)


def token(home, name, *options):
    wait(lambda: sh(home, "hbox node list", check=False).code == 0)
    return asked(home, " ".join(["hbox node token --name", name, *options]))["token"]


def join(node, line, *, check=True):
    return sh(node, "hbox node join", stdin=line.encode() + b"\n", check=check)


def known(home):
    return {row["name"]: row for row in asked(home, "hbox node list")}


def test_who_has_a_wrong_token_is_told_so_and_nothing_is_opened(two):
    home, other = two.nodes
    good = token(home, other.name)
    for line, code in (
        (good[:-20], "join.bad_token"),
        (token(home, "somebody-else"), "join.other_name"),
    ):
        got = join(other, line, check=False)
        assert got.code == 1
        assert code in got.err.decode()
    sh(other, "date -s '+0 sec' >/dev/null 2>&1 || true")
    assert b"hbox-controller" not in sh(other, "cat /root/.ssh/authorized_keys").out
    assert list(known(home)) == [home.name]


def test_a_node_joins(two):
    home, other = two.nodes
    line = token(home, other.name)
    got = join(other, line)
    assert "核对码" in got.err.decode()
    row = known(home)[other.name]
    assert (row["state"], row["home"], row["why"]) == ("active", False, None)
    assert join(other, line, check=False).code == 1, "a token is used once"
    away = sh(other, "hbox vm list", check=False)
    assert "cli.not_home" in away.err.decode()
    assert home.address in away.err.decode()
    units = sh(other, "systemctl is-active hbox-web hbox-worker hbox-gateway", check=False).text
    assert set(units.split()) == {"inactive"}
    for node, far in ((home, other), (other, home)):
        assert sh(node, TLS.format(to=far.address, more="")).code == 0
    sources = sh(other, "chronyc -n sources").text
    assert home.address in sources
    assert sources.count("^") == 1, "no other time source"
    assert line.encode() not in sh(home, "cat /var/lib/hbox/db/hbox.sqlite*").out


def test_a_second_run_of_the_roles_changes_nothing(two):
    home, other = two.nodes
    for node in (home, other):
        assert asked(home, f"hbox node configure {node.name}")["result"]["changed"] == 0
    sh(
        other,
        "sed -i s/stratum/stratum/ /etc/chrony/conf.d/hbox.conf; echo '# x' >>/etc/chrony/conf.d/hbox.conf",
    )
    shown = sh(home, f"hbox node configure {other.name} --dry-run").text
    assert "-# x" in shown
    assert "# x" in sh(other, "cat /etc/chrony/conf.d/hbox.conf").text, "a dry run changes nothing"
    assert asked(home, f"hbox node configure {other.name}")["result"]["changed"] >= 1


def test_the_inspector_sees_both_nodes_and_believes_no_half_dead_one(two):
    home, other = two.nodes
    sh(home, "hbox compliance run")
    report, _ = asked_nodes.inspected(home)
    here, there = (asked_nodes.verdicts(report, f"host:{node.name}") for node in two.nodes)
    assert set(here) == set(there)
    assert {name: said for name, (_, said) in there.items() if "没有得到回答" in said} == {}
    assert sum(verdict == "conform" for verdict, _ in there.values()) > 15
    for what, why in asked_nodes.HALF_DEAD.values():
        with asked_nodes.half_dead(other, what):
            asked_nodes.disbelieved(home, other, why)
    with asked_nodes.away(home, other):
        asked_nodes.disbelieved(home, other, "没有得到回答")


@pytest.mark.parametrize("whose", ["the console's CA", "QEMU's own", "a gateway leg", "expired"])
def test_libvirt_refuses_every_certificate_but_a_nodes_own(two, whose):
    home, other = two.nodes
    made = {
        "QEMU's own": "cp /etc/pki/qemu/server-cert.pem clientcert.pem; cp /etc/pki/qemu/server-key.pem clientkey.pem",
        "a gateway leg": "cp /var/lib/hbox/keys/back-tls.crt clientcert.pem; cp /var/lib/hbox/keys/back-tls.key clientkey.pem",
        "the console's CA": "cp /var/lib/hbox/tls/server.crt clientcert.pem; cp /var/lib/hbox/tls/server.key clientkey.pem",
        "expired": _signed("20200101000000Z", "20200102000000Z"),
    }[whose]
    base = "d=$(mktemp -d); cd $d; cp /etc/pki/CA/cacert.pem cacert.pem;"
    ask = TLS.format(to=other.address, more="?pkipath='$PWD'")
    good = _signed("20200101000000Z", "20990102000000Z")
    assert sh(home, f"{base} {good}; {ask}").code == 0, "so made, a lawful one is accepted"
    refused = sh(home, f"{base} {made}; {ask}", check=False)
    assert refused.code != 0
    said = refused.err.decode().lower()
    assert "certificate" in said or "authentication" in said or "tls" in said, said


DOMAIN = """<domain type='qemu'><name>tiny</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><kernel>/usr/share/hbox/images/guest-base/vmlinuz</kernel>
<cmdline>panic=0</cmdline></os><features><acpi/></features>
<cpu mode='custom' match='exact'><model>qemu64</model></cpu>
<devices><serial type='null'/></devices></domain>"""
STRANGE = """cd /etc/pki/qemu; cp -p server-cert.pem /run/cert; cp -p server-key.pem /run/key; d=$(mktemp -d)
openssl ecparam -name prime256v1 -genkey -noout -out $d/ca.key
openssl req -x509 -new -key $d/ca.key -subj '/CN=another CA' -days 9 -out $d/ca.crt
openssl ecparam -name prime256v1 -genkey -noout -out server-key.pem
openssl req -new -key server-key.pem -subj '/CN={name}' -out $d/x.csr
printf 'basicConstraints=critical,CA:FALSE\\nkeyUsage=critical,digitalSignature\\n' >$d/x.cnf
printf 'extendedKeyUsage=serverAuth,clientAuth\\nsubjectAltName=IP:{address}\\n' >>$d/x.cnf
openssl x509 -req -in $d/x.csr -CA $d/ca.crt -CAkey $d/ca.key -extfile $d/x.cnf -days 9 -out server-cert.pem
chown root:libvirt-qemu server-key.pem; chmod 640 server-key.pem"""


PLAINLY = """cp -p /etc/libvirt/qemu.conf /run/qemu.conf
sed -i 's/^migrate_tls_force.*/migrate_tls_force = 0/' /etc/libvirt/qemu.conf; systemctl restart libvirtd"""
FORCED = "if [ -e /run/qemu.conf ]; then mv /run/qemu.conf /etc/libvirt/qemu.conf; systemctl restart libvirtd; fi"
REVOKE = """
from appliance.settings import load
from controller.work import home_site
from controller.workers import nodes_network, nodes_trust
site = home_site(load())
nodes_trust.revoke(site, "{name}")
nodes_network.push(site, print)
"""


def test_a_live_migration_is_encrypted_and_only_nodes_take_part(two):
    home, other = two.nodes
    home.write("/tmp/tiny.xml", DOMAIN.encode())
    sh(home, "virsh define /tmp/tiny.xml && virsh start tiny")
    ask = f"timeout 90 virsh migrate --live --p2p --persistent --undefinesource {{}} tiny 'qemu+tls://{other.address}/system'"
    plain = sh(home, ask.format(""), check=False)
    assert plain.code != 0
    assert "TLS" in plain.err.decode()
    sh(other, STRANGE.format(name=other.name, address=other.address))
    assert sh(home, ask.format("--tls"), check=False).code != 0, (
        "QEMU there shows another CA's certificate"
    )
    assert sh(home, "virsh domstate tiny").text.strip() == "running"
    sh(other, "cd /etc/pki/qemu; cp -p /run/cert server-cert.pem; cp -p /run/key server-key.pem")
    assert sh(home, ask.format("--tls")).code == 0
    assert sh(other, "virsh domstate tiny").text.strip() == "running"
    sh(other, "virsh destroy tiny; virsh undefine tiny")


def test_what_a_migration_says_on_the_wire_is_tls_and_holds_nothing_of_the_guest(two, tmp_path):
    """As the product moves it; the same in plain text shows that the wire is really listened to."""
    home, other = two.nodes
    mark = migrating.depart(home).encode()
    try:
        migrating.slowly(home)
        with migrating.listening(two, 0, tmp_path) as stream, ThreadPoolExecutor(1) as pool:
            moving = pool.submit(migrating.by_driver, home, other)
            asked_for = migrating.parameters(home)
            assert moving.result(300)["encrypted"] is True
        assert asked_for["tls-creds"], "QEMU's own word while it ran"
        assert migrating.rests_on(other)
        said = stream.read_bytes()
        assert said[:2] == b"\x16\x03", "the first record is a TLS handshake"
        assert len(said) > 2**20
        assert mark not in said
        sh(other, PLAINLY)
        sh(home, PLAINLY)
        with migrating.listening(two, 1, tmp_path) as stream:
            got = migrating.by_virsh(other, home)
            assert got.code == 0, got.err.decode()
        assert mark in stream.read_bytes(), "what is not encrypted is seen here"
    finally:
        for node in two.nodes:
            sh(node, FORCED)
        migrating.dismiss(*two.nodes)


def test_a_revoked_node_takes_part_in_no_migration(two):
    """Revoked as a whole, as a target: libvirt refuses. Revoked for QEMU alone, as a source: the stream is refused.

    QEMU reads the revocation list where it receives, not where it sends: a target is libvirt's to refuse.
    """
    home, other = two.nodes
    migrating.depart(home)
    old = other.read("/etc/pki/qemu/server-cert.pem")
    try:
        python = "/usr/lib/hbox/venv/bin/python -I -"
        node_py = REVOKE.format(name=other.name)
        home.run(["bash", "-c", python], stdin=node_py.encode(), timeout=120)
        refused = migrating.by_virsh(home, other, "--tls")
        assert refused.code != 0
        assert "certificate" in refused.err.decode().lower()
        assert migrating.rests_on(home)

        assert asked(home, f"hbox node configure {other.name}")["result"]["node"] == other.name
        assert sh(home, TLS.format(to=other.address, more="")).code == 0, "it has new ones"
        new = other.read("/etc/pki/qemu/server-cert.pem")
        assert new != old
        assert migrating.by_driver(home, other)["encrypted"] is True
        assert migrating.rests_on(other)

        other.write("/etc/pki/qemu/server-cert.pem", old)
        refused = migrating.by_virsh(other, home, "--tls")
        assert refused.code != 0, "the key is right, the certificate is revoked"
        assert migrating.rests_on(other)
        assert not migrating.rests_on(home)

        other.write("/etc/pki/qemu/server-cert.pem", new)
        back = migrating.by_virsh(other, home, "--tls")
        assert back.code == 0, back.err.decode()
        assert migrating.rests_on(home)
    finally:
        migrating.dismiss(*two.nodes)


def test_the_doors_of_migration_open_to_nodes_alone(two):
    home, other = two.nodes
    port = migrating.PORTS[1]
    listen = (
        f"import socket,time; s=socket.create_server(('{other.address}',{port})); time.sleep(60)"
    )
    sh(other, f'systemd-run -q --unit=a-listener python3 -c "{listen}"')
    knock = (
        "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3)"
    )
    try:
        inside = ["python3", "-c", knock, other.address]
        wait(lambda: home.run([*inside, str(port)], check=False).code == 0, 30)
        assert home.run([*inside, "16514"], check=False).code == 0
        assert home.run([*inside, "16509"], check=False).code != 0, "libvirt without TLS"
        for closed in (port, 16514, 16509):
            outside = two.inside("mgmt", sys.executable, "-c", knock, other.address, str(closed))
            assert LocalHost().run(outside, check=False).code != 0, closed
        ssh = two.inside("mgmt", sys.executable, "-c", knock, other.address, "22")
        assert LocalHost().run(ssh, check=False).code == 0, "there is a way at all"
    finally:
        sh(other, "systemctl stop a-listener", check=False)


def _signed(begin, end):
    subject = "/O=HBox/OU=HBox libvirt/CN=x"
    return (
        "openssl ecparam -name prime256v1 -genkey -noout -out clientkey.pem;"
        f"openssl req -new -key clientkey.pem -subj '{subject}' -out x.csr;"
        "printf '[e]\\nbasicConstraints=critical,CA:FALSE\\nkeyUsage=critical,digitalSignature\\n"
        "extendedKeyUsage=clientAuth\\n' >x.cnf;"
        f"openssl x509 -req -in x.csr -CA /var/lib/hbox/tls/node-ca.crt -CAkey /var/lib/hbox/keys/node-ca.key "
        f"-extfile x.cnf -extensions e -not_before {begin} -not_after {end} -out clientcert.pem 2>/dev/null"
    )


def test_a_node_whose_power_is_cut_is_seen_away_and_blocks_nobody(two):
    home, other = two.nodes
    two.cut(1)
    wait(lambda: known(home)[other.name]["why"], 120)
    began = monotonic()
    assert sh(home, f"hbox node inspect {home.name}").code == 0
    plan = asked(home, f"hbox node drain {other.name} --dry-run", check=False)
    assert plan == []
    refused = sh(home, f"hbox node inspect {other.name}", check=False)
    assert "node.unreachable" in refused.err.decode()
    assert monotonic() - began < 60
    two.start(1)
    wait(lambda: known(home)[other.name]["why"] is None, 120)


def test_a_node_is_drained_and_used_again(two):
    home, other = two.nodes
    refused = sh(home, f"hbox node remove {other.name}", check=False)
    assert "node.state" in refused.err.decode()
    assert sh(home, f"hbox node drain {other.name}").code == 0
    assert known(home)[other.name]["state"] == "maintenance"
    assert sh(home, f"hbox node restore {other.name}").code == 0
    assert known(home)[other.name]["state"] == "active"


def test_a_dead_node_is_replaced_under_its_name_and_the_old_one_is_refused(two):
    home, other = two.nodes
    name = other.name
    alive = join(other, token(home, name, "--replace"), check=False)
    assert alive.code == 1, "it runs: it is a member already"
    old = {
        part: sh(other, f"cat /etc/pki/libvirt/{path}").out
        for part, path in (
            ("clientcert.pem", "servercert.pem"),
            ("clientkey.pem", "private/serverkey.pem"),
        )
    }
    old_key = known(home)[name]["host_key"]
    two.renew(1)
    wait(lambda: sh(home, "hbox node list", check=False).code == 0)
    # The heartbeat sees the fresh machine's SSH port: it answers, but it is not the node that was pinned.
    wait(lambda: known(home)[name]["why"], 120)
    refused = sh(home, f"hbox node inspect {name}", check=False)
    assert refused.code == 1, "its host key is another one"
    got = join(other, token(home, name, "--replace"))
    assert got.code == 0
    row = known(home)[name]
    assert (row["state"], row["why"]) == ("active", None)
    assert row["host_key"] != old_key
    for path, data in old.items():
        home.write(f"/tmp/old/{path}", data, mode=0o600)
    sh(home, "cp /etc/pki/CA/cacert.pem /tmp/old/")
    ask = TLS.format(to=other.address, more="?pkipath=/tmp/old")
    refused = sh(home, ask, check=False)
    assert refused.code != 0
    assert sh(home, TLS.format(to=other.address, more="")).code == 0


def test_a_drained_node_is_let_go_and_trusted_no_longer(two):
    home, other = two.nodes
    assert sh(home, f"hbox node drain {other.name}").code == 0
    with interrupted(home, "node.remove"):
        sh(home, f"hbox node remove {other.name}")
    assert list(known(home)) == [home.name]
    assert b"hbox-controller" not in sh(other, "cat /root/.ssh/authorized_keys").out
    with pytest.raises((AssertionError, Unavailable)):
        assert sh(home, TLS.format(to=other.address, more=""), check=False).code == 0
    links = sh(home, "ip -o link").text
    assert "vx-" not in links


def test_a_join_goes_on_when_the_worker_is_killed_in_the_middle(two):
    """Also: a node that was let go may come again."""
    home, other = two.nodes
    line = token(home, other.name)
    with ThreadPoolExecutor(1) as pool:
        joining = pool.submit(join, other, line)
        for step in ("trust", "configure"):
            wait(lambda step=step: step in _running(home), 300)
            sh(home, "systemctl kill --signal=KILL hbox-worker.service")
        assert joining.result(900).code == 0
    assert known(home)[other.name]["state"] == "active"
    (job,) = [j for j in asked(home, "hbox job list") if j["kind"] == "node.join"][:1]
    assert job["resumed"] >= 1
    assert asked(home, f"hbox node configure {other.name}")["result"]["changed"] == 0


def _running(home):
    """Keys of the steps that the newest join has begun."""
    jobs = [j for j in asked(home, "hbox job list", check=False) if j["kind"] == "node.join"]
    shown = (
        asked(home, f"hbox job show {jobs[0]['number']}") if jobs and not jobs[0]["over"] else {}
    )
    return {step["key"] for step in shown.get("steps", ()) if step["state"] != "pending"}
