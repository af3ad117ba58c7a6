"""Data is marked by its importance: each channel, and each data path of a module, has its class."""

from appliance.errors import Text
from compliance.answers import held, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, weigh
from compliance.questions import sql


def judge(proofs: Answers) -> Judgement:
    """Judge the class (GB/T 39725, 1 to 5), purpose and days of keeping that modules declare."""
    modules = rows(proofs[0].out)
    faults, marked = [], 0
    for row in modules:
        manifest = held(row["manifest"])
        for flow in manifest.get("flows", []):
            marked += 1
            if flow.get("data_class") not in range(1, 6) or not flow.get("purpose"):
                faults.append(
                    Text(
                        f"数据流未分级 {row['id']}/{flow.get('name')}",
                        f"a flow without class: {row['id']}",
                    )
                )
        for one in manifest.get("data", []):
            marked += 1
            if one.get("data_class") not in range(1, 6) or not one.get("retention"):
                faults.append(
                    Text(f"数据未分级 {one.get('path')}", f"data without class: {one.get('path')}")
                )
    if not marked:
        return not_applicable("没有模块声明数据", "No module declares any data")
    return weigh(
        faults,
        marked,
        Text(f"{marked} 项数据均已分级", f"{marked} kinds of data, all with their class"),
    )


CHECK = Check(
    id="data_classes",
    kind=Kind.CONTROLLER,
    title=Text("数据分级标识", "Data is marked by importance"),
    items=("8.1.10.2.b",),
    questions=(sql("SELECT id, manifest FROM modules ORDER BY id"),),
    judge=judge,
)
