"""Violations of the platform and the exchange: machines, disks, images, certificates, policy, journal."""

from tests.violations.violation import Violation, sql

POLICY = "/var/lib/hbox/gateway/policy.signed"
UUID = "00000000-0000-4000-8000-00000000bad1"
PYTHON = "/usr/lib/hbox/venv/bin/python"


def machine(name: str, links: str, check: str, item: str, says: str, **more: object) -> Violation:
    """A machine defined at libvirt, behind the controller's back."""
    xml = (
        f"<domain type='qemu'><name>violated</name><uuid>{UUID}</uuid><memory unit='MiB'>64</memory>"
        f"<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{links}</devices></domain>"
    )
    return Violation(
        id=name,
        breach=f"cat > /run/hbox-violated.xml <<'END'\n{xml}\nEND\nvirsh -q define /run/hbox-violated.xml",
        check=check,
        item=item,
        says=says,
        undo="virsh -q undefine violated --nvram\nrm /run/hbox-violated.xml",
        watched=("virsh -q list --all --uuid",),
        why="whose machine it is, a person says",
        **more,  # type: ignore[arg-type]
    )


def card(bridge: str) -> str:
    """Return libvirt's words for a card on a bridge."""
    return f"<interface type='bridge'><source bridge='{bridge}'/><model type='virtio'/></interface>"


def policy(name: str, script: str, check: str, item: str, says: str, **more: object) -> Violation:
    """The policy that the gateway obeys, changed on the node."""
    return Violation(
        id=name,
        breach=script,
        check=check,
        item=item,
        says=says,
        touched=(POLICY,),
        **({"why": "which policy is in force, the security administrator signs"} | more),  # type: ignore[arg-type]
    )


def signed(key: str, change: str) -> str:
    """Return the shell command that changes the policy and signs it anew with the key at `key`."""
    return f"""cat > /run/hbox-violated.py <<'END'
import json
from pathlib import Path
from appliance.canonical import canonical
from appliance.signing import SigningKey
key = SigningKey.load_or_new(Path("{key}"))
path = Path("{POLICY}")
policy = json.loads(path.read_text().partition("\\n")[2])
{change}
body = canonical(policy)
path.write_bytes(b"ed25519 " + key.sign(body).hex().encode() + b"\\n" + body)
END
{PYTHON} -I /run/hbox-violated.py"""


MACHINES = (
    machine("foreign_machine", "", "vm_known", "8.2.4.3.b", UUID),
    machine(
        "machine_in_two_zones",
        card("br-int") + card("br-ext"),
        "vm_networks",
        "8.1.2.1.d",
        "br-ext,br-int",
        also={"vm_known": "nobody asked for it"},
    ),
    machine(
        "machine_on_user_network",
        "<interface type='user'/>",
        "vm_networks",
        "8.2.2.1.b",
        "type user",
        also={"vm_known": "nobody asked for it"},
    ),
    Violation(
        id="libvirt_network",
        breach="printf '<network><name>violated</name></network>' > /run/hbox-violated.network\n"
        "virsh -q net-define /run/hbox-violated.network",
        check="vm_networks",
        item="8.1.3.1.a",
        says="violated exists",
        undo="virsh -q net-undefine violated\nrm /run/hbox-violated.network",
        watched=("virsh -q net-list --all --name",),
        why="who uses the network, a person says",
    ),
    Violation(
        id="libvirt_group_member",
        breach="sed -i '/^libvirt:/s/$/hbox-aud/' /etc/group",
        check="libvirt_sockets",
        item="8.1.4.2.e",
        says="hbox-aud",
        touched=("/etc/group",),
        remedy="libvirt_sockets",
    ),
    Violation(
        id="libvirt_unguarded",
        breach="echo 'auth_unix_rw = \"none\"' >> /etc/libvirt/libvirtd.conf",
        check="libvirt_sockets",
        item="8.1.4.4.c",
        says="any user may command",
        touched=("/etc/libvirt/libvirtd.conf",),
        remedy="libvirt_sockets",
    ),
    Violation(
        id="disk_readable",
        breach=f"mkdir -p /var/lib/hbox/volumes/{UUID}\n"
        f"head -c 4096 /dev/zero > /var/lib/hbox/volumes/{UUID}/system.raw\n"
        f"chmod 644 /var/lib/hbox/volumes/{UUID}/system.raw",
        check="volume_modes",
        already="there is no machine, so no disk to be judged",
        item="8.2.4.4.c",
        says="system.raw 0644",
        touched=(f"/var/lib/hbox/volumes/{UUID}",),
        remedy="volume_modes",
    ),
    Violation(
        id="disk_of_somebody",
        breach=f"mkdir -p /var/lib/hbox/volumes/{UUID}\n"
        f"head -c 4096 /dev/zero > /var/lib/hbox/volumes/{UUID}/system.raw\n"
        f"chmod 600 /var/lib/hbox/volumes/{UUID}/system.raw\n"
        f"chown hbox-aud /var/lib/hbox/volumes/{UUID}/system.raw",
        check="volume_modes",
        already="there is no machine, so no disk to be judged",
        item="8.1.4.2.f",
        says="hbox-aud",
        touched=(f"/var/lib/hbox/volumes/{UUID}",),
        remedy="volume_modes",
    ),
    Violation(
        id="template_unsigned",
        breach=sql(
            "UPDATE templates SET source = signature, signature = '' WHERE id = 'violated';"
        ),
        check="template_signatures",
        item="8.2.4.4.b",
        says="not signed",
        undo=sql("UPDATE templates SET signature = source, source = '' WHERE id = 'violated';"),
        watched=(sql("SELECT * FROM templates"),),
        why="whoever made the image signs it",
    ),
    Violation(
        id="template_altered",
        breach="printf x | dd of=/var/lib/hbox/templates/violated.qcow2 bs=1 seek=100 conv=notrunc status=none",
        check="template_signatures",
        item="8.2.4.4.b",
        says="changed",
        touched=("/var/lib/hbox/templates/violated.qcow2",),
        # Whoever brings the old bytes back is seen as well, until it was checked anew.
        undo=sql(
            "UPDATE templates SET state = 'ready', checked_at = "
            "strftime('%Y-%m-%dT%H:%M:%f+00:00','now','+1 seconds') WHERE id = 'violated';"
        ),
        why="whoever made the image brings it anew",
    ),
    Violation(
        id="certificate_runs_out",
        breach="openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null "
        "-out /var/lib/hbox/tls/violated.crt -days 10 -subj /CN=violated 2>/dev/null",
        check="mutual_trust",
        item="8.2.4.1.a",
        says="violated.crt",
        touched=("/var/lib/hbox/tls/violated.crt",),
        why="the controller renews its certificates in a job of its own",
    ),
)

EXCHANGE = (
    policy("policy_altered", f"printf ' ' >> {POLICY}", "gateway_policy", "8.1.3.2.e", "signature"),
    policy(
        "policy_by_another_key",
        signed("/run/hbox-violated.key", "policy['version'] += 1"),
        "gateway_policy",
        "8.1.3.2.e",
        "signature",
    ),
    policy(
        "records_kept_for_a_week",
        signed("/var/lib/hbox/keys/policy.key", "policy['channels'][0]['retention_days'] = 7"),
        "channel_retention",
        "8.1.5.4.d",
        "kept for 7 days",
    ),
    policy(
        "channel_unapproved",
        signed(
            "/var/lib/hbox/keys/policy.key",
            "policy['channels'].append({**policy['channels'][0], 'id': 'violated'})",
        ),
        "central_policy",
        "8.1.5.4.e",
        "nobody approved: violated",
    ),
    policy(
        "purpose_unstated",
        signed("/var/lib/hbox/keys/policy.key", "policy['channels'][0]['purpose'] = ''"),
        "gateway_policy",
        "8.1.3.2.e",
        "purpose",
    ),
    Violation(
        id="journal_open",
        breach="chmod 644 /var/lib/hbox/gateway/journal/*.seg",
        check="exchange_journal",
        item="8.1.3.5.c",
        says="open to others",
        undo="chmod 600 /var/lib/hbox/gateway/journal/*.seg",
        watched=("stat -c '%a %U %G %n' /var/lib/hbox/gateway/journal/*.seg",),
        why="records are evidence: nothing mends what was done to them",
    ),
    Violation(
        id="journal_head_forged",
        breach="cp -a /var/lib/hbox/audit/journal-heads.jsonl /run/hbox-violated.heads\n"
        'sed -i \'$s/"number":[0-9]*/"number":99/\' /var/lib/hbox/audit/journal-heads.jsonl',
        check="exchange_journal",
        item="8.1.4.3.c",
        says="signature over the head",
        undo="cat /run/hbox-violated.heads > /var/lib/hbox/audit/journal-heads.jsonl\nrm /run/hbox-violated.heads",
        watched=("head -n 1 /var/lib/hbox/audit/journal-heads.jsonl",),
        why="records are evidence: nothing mends what was done to them",
    ),
    Violation(
        id="proof_altered",
        breach="sqlite3 -cmd '.timeout 5000' /var/lib/hbox/db/hbox.sqlite "
        "\"UPDATE proofs SET document = json_set(document, '$.violated', 1) WHERE at = (SELECT MAX(at) FROM proofs)\"",
        check="gateway_proof",
        item="8.1.2.1.d",
        says="signature",
        undo="sqlite3 -cmd '.timeout 5000' /var/lib/hbox/db/hbox.sqlite "
        "\"UPDATE proofs SET document = json_remove(document, '$.violated')\"",
        watched=("sqlite3 /var/lib/hbox/db/hbox.sqlite 'SELECT json(document) FROM proofs'",),
        why="records are evidence: nothing mends what was done to them",
    ),
    Violation(
        id="signatures_gone",
        breach="rm /var/lib/hbox/signatures/*",
        check="central_policy",
        item="8.1.5.4.e",
        says="no signatures",
        touched=("/var/lib/hbox/signatures",),
        why="signatures come from outside the box",
    ),
)

VIOLATIONS = (*MACHINES, *EXCHANGE)
