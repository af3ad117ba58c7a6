"""Nobody develops on the box that works: no compilers, no test tenants."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.checks.asked import PACKAGES
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import sql

TOOLS = frozenset(("gcc", "g++", "clang", "make", "cmake", "gdb", "git", "build-essential", "nodejs", "npm", "golang",
                   "rustc", "cargo", "default-jdk", "maven", "strace", "valgrind", "python3-dev"))  # fmt: skip
TRIAL = ("test", "dev", "demo", "trial", "sandbox")


def judge(proofs: Answers) -> Judgement:
    """Judge packages and the names of tenants; that developers sit elsewhere, a person says."""
    installed = [
        line.split()[1].partition(":")[0] for line in proofs[0].lines() if line.startswith("ii ")
    ]
    if not installed:
        return unknown("看不到已安装的软件包", "No installed package can be seen")
    faults = [
        Text(f"生产节点装有开发工具 {name}", f"a tool of developers: {name}")
        for name in installed
        if name in TOOLS
    ]
    faults += [
        Text(f"生产平台上有测试租户 {row['name']}", f"a tenant for tests: {row['name']}")
        for row in rows(proofs[1].out)
        if row["name"].startswith(TRIAL)
    ]
    return weigh(
        faults, 1, Text("无开发工具，无测试租户", "No developers' tools, no tenant for tests")
    )


CHECK = Check(
    id="dev_tools",
    kind=Kind.CONTROLLER,
    title=Text("开发与生产分离", "Development is apart from production"),
    items=("8.1.9.4.a",),
    questions=(PACKAGES, sql("SELECT name FROM tenants ORDER BY name")),
    judge=judge,
)
