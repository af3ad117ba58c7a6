"""Each module runs from a bundle that its vendor signed, with a key trusted for that module, unaltered."""

import json

from appliance.errors import Text
from compliance.answers import rows
from compliance.checks.asked import PYTHON
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, unknown, weigh
from compliance.questions import command, sql

BUNDLES = command(PYTHON, "-I", "-m", "compliance.bundles", ok=(0, 1))
INSTALLED = sql("SELECT id, version, digest, state, approved_by, manifest FROM modules ORDER BY id")


def judge(proofs: Answers) -> Judgement:
    """Join the installed modules with the bundles as they verify now."""
    found, modules = json.loads(proofs[0].out), rows(proofs[1].out)
    if not modules:
        return not_applicable("没有安装模块", "No module is installed")
    if found["unreadable"]:
        return unknown(
            f"模块包读不到：{found['unreadable']}",
            f"The bundles cannot be read: {found['unreadable']}",
        )
    good = {one["digest"] for one in found["bundles"] if not one["wrong"]}
    faults = [
        Text(
            f"模块包无效 {one['file']}：{one['wrong']}",
            f"a bundle does not hold: {one['file']}: {one['wrong']}",
        )
        for one in found["bundles"]
        if one["wrong"]
    ]
    faults += [
        Text(f"模块 {row['id']} 没有有效的签名包", f"no signed bundle for module {row['id']}")
        for row in modules
        if row["digest"] not in good
    ]
    return weigh(
        faults,
        1,
        Text(f"{len(modules)} 个模块的签名均有效", f"{len(modules)} modules, all signatures hold"),
    )


CHECK = Check(
    id="module_signatures",
    kind=Kind.APP,
    title=Text("模块签名", "Signatures of modules"),
    items=("8.1.4.7.b", "8.1.9.4.f"),
    questions=(BUNDLES, INSTALLED),
    judge=judge,
)
