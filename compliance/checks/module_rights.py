"""A module has no right of its own on the box, one zone, and only the flows that security approved."""

from appliance.errors import Text
from compliance.answers import held, rows
from compliance.checks.module_signatures import INSTALLED
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, weigh
from compliance.questions import sql


def judge(proofs: Answers) -> Judgement:
    """Judge privileges that manifests ask for, the zone of each machine, and who approved."""
    modules = rows(proofs[0].out)
    if not modules:
        return not_applicable("没有安装模块", "No module is installed")
    zones = {row["module"]: row["zone"] for row in rows(proofs[1].out)}
    faults = []
    for row in modules:
        manifest = held(row["manifest"])
        if manifest.get("privileges"):
            faults.append(Text(f"{row['id']} 要求特权", f"{row['id']} asks for privileges"))
        if zones.get(row["id"]) != manifest["component"]["zone"]:
            faults.append(Text(f"{row['id']} 不在声明的区域", f"{row['id']} is not in its zone"))
        if row["state"] == "running" and not row["approved_by"]:
            faults.append(
                Text(f"{row['id']} 的数据流未经审批", f"nobody approved the flows of {row['id']}")
            )
    return weigh(
        faults,
        len(modules),
        Text(f"{len(modules)} 个模块无特权且在声明区域", f"{len(modules)} modules, no privilege"),
    )


CHECK = Check(
    id="module_rights",
    kind=Kind.APP,
    title=Text("模块最小权限", "Modules have least privilege"),
    items=("8.1.4.2.d", "8.1.4.2.e"),
    questions=(
        INSTALLED,
        sql(
            "SELECT m.id AS module, v.zone FROM modules m JOIN vms v ON v.id = m.vm_id ORDER BY m.id"
        ),
    ),
    judge=judge,
)
