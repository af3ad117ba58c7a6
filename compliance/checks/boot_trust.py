"""The node starts from a root of trust: Secure Boot, a TPM, and a kernel that measures what runs."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

# The last of the variable's five bytes is the state (UEFI specification, 3.3).
SECURE_BOOT = command(
    "od", "-An", "-tu1",
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", ok=(0, 1),
)  # fmt: skip
TPM = command("find", "/sys/class/tpm", "-mindepth", "1", "-name", "tpm*", ok=(0, 1))
MEASURED = command(
    "cat", "/sys/kernel/security/ima/runtime_measurements_count", ok=(0, 1), root=True
)


def judge(proofs: Answers) -> Judgement:
    """Judge the three links of the chain; dynamic verification and its alarm are for a person to see."""
    state, tpm, measured = proofs[0].out.split(), proofs[1].lines(), proofs[2].out.strip()
    faults = []
    if not state or state[-1] != "1":
        faults.append(Text("未启用安全启动", "Secure Boot is off"))
    if not tpm:
        faults.append(Text("没有可信根（TPM）", "there is no TPM"))
    if not measured.isdigit() or int(measured) < 2:
        faults.append(Text("内核未度量运行的程序（IMA）", "the kernel measures no program (IMA)"))
    return weigh(
        faults, 3, Text("安全启动、TPM 与运行度量均已启用", "Secure Boot, TPM and measuring are on")
    )


CHECK = Check(
    id="boot_trust",
    kind=Kind.HOST,
    title=Text("可信验证：启动链", "Root of trust: the chain of starting"),
    items=("8.1.2.3.a", "8.1.4.6.a"),
    questions=(SECURE_BOOT, TPM, MEASURED),
    judge=judge,
    kernel_bound=True,
)
