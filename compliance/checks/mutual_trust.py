"""Nodes and libvirt know each other by certificates of the box's own authority that are still good for a while."""

import datetime as dt

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

NO_CERTIFICATE = ("key.pem", "crl.pem", "dh-params.pem")
"""What QEMU and libvirt keep in the same folders."""
LEFT = 30.0  # days before the end in which a new one must be there


def judge(proofs: Answers) -> Judgement:
    """Judge the ends (`notAfter`) of every certificate of console and nodes."""
    ends: dict[str, float] = {}
    path, named = "", list[str]()
    now = dt.datetime.fromisoformat(proofs[0].at)
    for line in proofs[0].lines():
        if line.startswith("/"):
            path = line.strip()
            named.append(path)
        elif line.startswith("notAfter="):
            end = dt.datetime.strptime(line[9:].strip(), "%b %d %H:%M:%S %Y GMT")  # noqa: DTZ007 - UTC, next line
            ends[path] = (end.replace(tzinfo=dt.UTC) - now).total_seconds() / 86400
    if not ends:
        return unknown("看不到任何证书", "No certificate can be seen")
    faults = [
        Text(f"证书 {path} 剩余 {left:.0f} 天", f"certificate {path}: {left:.0f} days left")
        for path, left in sorted(ends.items())
        if left < LEFT
    ]
    faults += [
        Text(f"证书 {one} 无法读取", f"certificate {one} cannot be read")
        for one in named
        if one not in ends and not one.endswith(NO_CERTIFICATE)
    ]
    least = min(ends.values())
    good = Text(
        f"{len(ends)} 张证书，最短剩余 {least:.0f} 天",
        f"{len(ends)} certificates, {least:.0f} days at least",
    )
    return weigh(faults, len(ends), good)


CHECK = Check(
    id="mutual_trust",
    kind=Kind.HYPERVISOR,
    title=Text("平台双向认证证书", "Certificates by which the parts know each other"),
    items=("8.2.4.1.a", "8.1.4.1.c"),
    questions=(
        command(
            "sh",
            "-c",
            "for f in /var/lib/hbox/tls/*.crt /var/lib/hbox/keys/*.crt /etc/pki/libvirt/*.pem /etc/pki/CA/*.pem /etc/pki/qemu/*.pem; do "
            '[ -f "$f" ] && echo "$f" && openssl x509 -noout -enddate -in "$f" 2>/dev/null; done; true',
        ),
    ),
    judge=judge,
)
