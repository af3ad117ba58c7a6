"""Modules take only personal data that they declare, each flow with its fields, purpose and days of keeping."""

from appliance.errors import Text
from compliance.answers import held, rows
from compliance.checks.module_signatures import INSTALLED
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, weigh

PERSONAL = 3  # GB/T 39725: from this level on, data tells about a person


def judge(proofs: Answers) -> Judgement:
    """Judge the declared flows that cross the zones; whether the data is needed, a person says."""
    modules = rows(proofs[0].out)
    if not modules:
        return not_applicable("没有安装模块", "No module is installed")
    faults, flows = [], 0
    for row in modules:
        manifest = held(row["manifest"])
        for flow in manifest.get("flows", []):
            if "gateway" not in (flow.get("from"), flow.get("to")):
                continue
            flows += 1
            named = any(flow.get(name) for name in ("request", "response", "resources", "parts"))
            whole = any(one.get("whole") for one in flow.get("resources") or ())
            if (
                not named
                or not flow.get("purpose")
                or (whole and flow.get("data_class", 5) >= PERSONAL)
            ):
                shown = f"{row['id']}/{flow.get('name')}"
                faults.append(
                    Text(
                        f"数据流未限定字段 {shown}",
                        f"the fields of a flow are not limited: {shown}",
                    )
                )
    return weigh(
        faults,
        max(1, flows),
        Text(f"{flows} 条跨区数据流均限定字段与用途", f"{flows} flows, fields and purpose limited"),
    )


CHECK = Check(
    id="module_data",
    kind=Kind.APP,
    title=Text("个人信息最小采集", "Only needed personal data is taken"),
    items=("8.1.4.11.a",),
    questions=(INSTALLED,),
    judge=judge,
)
