"""A live migration is encrypted, and both ends prove who they are."""

from appliance.errors import Text
from compliance.answers import options, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, weigh
from compliance.questions import File, sql

WANTED = ("migrate_tls_force", "migrate_tls_x509_verify")


def judge(proofs: Answers) -> Judgement:
    """Judge qemu.conf, unless the box has one node only."""
    if len(rows(proofs[1].out)) < 2:
        return not_applicable("只有一个节点，没有迁移", "One node only: nothing can migrate")
    held = options(proofs[0].out)
    faults = [Text(f"{name} 未启用", f"{name} is off") for name in WANTED if held.get(name) != "1"]
    return weigh(
        faults,
        len(WANTED),
        Text("迁移经双向认证的 TLS", "Migration goes over TLS, both ends proved"),
    )


CHECK = Check(
    id="migration_tls",
    kind=Kind.HYPERVISOR,
    title=Text("迁移加密", "Migration is encrypted"),
    items=("8.2.4.5.c",),
    questions=(File("/etc/libvirt/qemu.conf"), sql("SELECT name FROM nodes ORDER BY name")),
    judge=judge,
)
