"""What a module says to patients or hospital systems about people is encrypted on its way."""

from appliance.errors import Text
from compliance.answers import held, rows
from compliance.checks.module_data import PERSONAL
from compliance.checks.module_signatures import INSTALLED
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, weigh

OUTSIDE = ("patients", "hospital")


def judge(proofs: Answers) -> Judgement:
    """Judge the flows that leave the box; inside it they cross the gateway, which other checks look at."""
    modules = rows(proofs[0].out)
    if not modules:
        return not_applicable("没有安装模块", "No module is installed")
    faults, flows = [], 0
    for row in modules:
        for flow in held(row["manifest"]).get("flows", []):
            if not {flow.get("from"), flow.get("to")} & set(OUTSIDE):
                continue
            flows += 1
            if flow.get("data_class", 5) >= PERSONAL and flow.get("protocol") in ("http", "hl7v2"):
                shown = f"{row['id']}/{flow.get('name')} ({flow['protocol']})"
                faults.append(
                    Text(f"个人信息明文传输 {shown}", f"personal data in plain text: {shown}")
                )
    return weigh(
        faults,
        max(1, flows),
        Text(
            f"{flows} 条对外数据流不含明文个人信息",
            f"{flows} flows, nothing personal in plain text",
        ),
    )


CHECK = Check(
    id="module_flows",
    kind=Kind.APP,
    title=Text("应用传输加密", "Applications encrypt on the way"),
    items=("8.1.2.2.b", "8.1.4.8.a"),
    questions=(INSTALLED,),
    judge=judge,
)
