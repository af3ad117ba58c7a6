"""A module comes with what its makers must show: design and guide, test and code-scan reports, its parts (SBOM)."""

import json

from appliance.errors import Text
from compliance.answers import rows
from compliance.checks.module_signatures import BUNDLES, INSTALLED
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, weigh

PAPERS = {
    "design": Text("设计文档或使用指南", "design or guide"),
    "sarif": Text("代码扫描结果", "code scan"),
    "test": Text("测试报告", "test report"),
    "sbom": Text("组成清单（SBOM）", "list of parts (SBOM)"),
}


def judge(proofs: Answers) -> Judgement:
    """Judge the names of the files in each module's bundle, and that it answers clauses of the standard."""
    modules = rows(proofs[1].out)
    if not modules:
        return not_applicable("没有安装模块", "No module is installed")
    held = {one["digest"]: one for one in json.loads(proofs[0].out)["bundles"] if not one["wrong"]}
    faults = []
    for row in modules:
        bundle = held.get(row["digest"], {})
        names = " ".join(bundle.get("papers", ())).replace("guide", "design").lower()
        for word, what in PAPERS.items():
            if word not in names:
                faults.append(
                    Text(f"{row['id']} 缺少{what.zh}", f"{row['id']} lacks its {what.en}")
                )
        if not bundle.get("controls"):
            faults.append(Text(f"{row['id']} 未答复任何条款", f"{row['id']} answers no clause"))
    good = Text(
        f"{len(modules)} 个模块的交付资料齐全", f"{len(modules)} modules with all their papers"
    )
    return weigh(faults, len(modules) * (len(PAPERS) + 1), good)


CHECK = Check(
    id="module_papers",
    kind=Kind.APP,
    title=Text("模块交付资料", "What modules come with"),
    items=("8.1.9.4.e", "8.1.9.5.b", "8.1.9.5.c"),
    questions=(BUNDLES, INSTALLED),
    judge=judge,
)
