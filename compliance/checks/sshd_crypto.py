"""sshd offers no weak cipher, MAC, key exchange or signature."""

from appliance.errors import Text
from compliance.answers import options
from compliance.checks.asked import SSHD
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh

WEAK = {
    "ciphers": ("3des", "arcfour", "blowfish", "cast128", "-cbc", "none"),
    "macs": ("hmac-md5", "hmac-sha1", "umac-64", "none"),
    "kexalgorithms": ("-group1-", "group-exchange-sha1", "group14-sha1"),
    "hostkeyalgorithms": ("ssh-rsa", "ssh-dss"),
    "pubkeyacceptedalgorithms": ("ssh-rsa", "ssh-dss"),
}


def judge(proofs: Answers) -> Judgement:
    """Judge the lists of the effective configuration."""
    sshd = options(proofs[0].out)
    if not sshd.get("ciphers"):
        raise ValueError("this is not what sshd -T says")
    faults = []
    for option, weak in WEAK.items():
        offered = [name for name in sshd.get(option, "").split(",") if any(w in name for w in weak)]
        if offered:
            names = ",".join(offered)
            faults.append(Text(f"{option} 含弱算法 {names}", f"{option} offers weak {names}"))
    return weigh(faults, len(WEAK), Text("SSH 只提供强算法", "SSH offers strong algorithms only"))


CHECK = Check(
    id="sshd_crypto",
    kind=Kind.HOST,
    title=Text("SSH 加密算法", "Algorithms of SSH"),
    items=("8.1.4.1.c",),
    questions=(SSHD,),
    judge=judge,
)
