"""Every image that machines are made from was checked and signed with a key that this box trusts."""

import datetime as dt

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, weigh
from compliance.questions import command, sql


def judge(proofs: Answers) -> Judgement:
    """Judge the records of the templates: digest, signer, signature, state, and when it was last checked."""
    found = rows(proofs[0].out)
    touched = dict(line.split(" ", 1)[::-1] for line in proofs[1].lines())
    if not found:
        return not_applicable("本机没有模板镜像", "There is no template here")
    faults = []
    for one in found:
        name = f"{one['name']}:{one['version']}"
        if not one["signed"] or not one["signer"] or len(str(one["digest"])) != 64:
            faults.append(Text(f"模板 {name} 没有签名", f"template {name} is not signed"))
        elif one["state"] != "ready" or not one["checked_at"]:
            faults.append(
                Text(
                    f"模板 {name} 未通过校验（{one['state']}）",
                    f"template {name} failed: {one['state']}",
                )
            )
        elif _later(touched.get(f"{one['id']}.qcow2"), str(one["checked_at"])):
            faults.append(
                Text(
                    f"模板 {name} 校验后文件被改动",
                    f"template {name}: its file changed since it was checked",
                )
            )
    return weigh(
        faults,
        len(found),
        Text(f"{len(found)} 个模板均已签名校验", f"{len(found)} templates, signed and checked"),
    )


def _later(changed: str | None, checked: str) -> bool:
    """Whether a file's inode changed (seconds since 1970; nobody can set it back) after that instant."""
    return changed is not None and float(changed) > dt.datetime.fromisoformat(checked).timestamp()


CHECK = Check(
    id="template_signatures",
    kind=Kind.HYPERVISOR,
    title=Text("镜像完整性校验", "Images are signed and checked"),
    items=("8.2.4.4.b",),
    questions=(
        sql(
            "SELECT id, name, version, digest, signer, signature <> '' AS signed, state, checked_at "
            "FROM templates ORDER BY name, version"
        ),
        command(
            "find", "/var/lib/hbox/templates", "-name", "*.qcow2", "-printf", "%C@ %f\\n", ok=(0, 1)
        ),
    ),
    judge=judge,
)
