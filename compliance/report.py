"""The report: findings as JSON that carries its evidence, and the signature over it and its page."""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from appliance.canonical import canonical, digest
from appliance.clock import iso
from appliance.errors import Text
from appliance.signing import SigningKey
from compliance import judged, page, sections, statements
from compliance.catalogue import LAWS, load
from compliance.findings import findings
from compliance.given import NOTHING, Former
from compliance.judging import derive
from compliance.model import VERDICT_TEXT
from compliance.run import Run

FORMAT = "hbox-compliance-report/2"
ENVELOPE = "hbox-signed-report/1"

STATEMENTS = (
    Text("本报告为自查报告，不是等级测评报告，不构成任何官方结论。", "A self-inspection; not an assessment report, nothing in it is official."),
    Text("条款文字为本产品的转述，引用标准请以 GB/T 22239-2019 原文为准。", "Clauses are paraphrased; quote GB/T 22239-2019 itself."),
    Text("跨区交换由软件网关实现，隔离级别 L1：同一内核上的网络命名空间；它不是经认证的网闸。", "The exchange gateway is software at level L1: namespaces on one kernel; not a certified gap."),
    Text("人员填报须经他人批准且未过复核日期方才生效，不能推翻机器发现的问题。", "A person's statement counts when another approved it and its review day is not past; it overrides no fault a machine found."),
    Text("豁免只说明问题为何保留，不改变结果，也不改变符合率。", "A waiver says why a finding stays; it changes no verdict and no rate."),
    Text("互联网医院法规与密评单独列出、单独计数，不计入等保。", "Hospital law and cryptography are listed and counted apart, never in the level-3 figures."),
    Text("每个条款按其最差的对象计，每层按其最差的条款计；未知与待人工均不算符合。", "An item counts as its worst object, a layer as its worst item; undecided never counts as met."),
)  # fmt: skip

Report = dict[str, Any]


def build(run: Run) -> Report:
    """Return the report of `run` in the form of `schema/report.schema.json`."""
    given = run.given
    foreign = [one for one in given.foreign if one.subject not in run.subjects]
    made = {
        "format": FORMAT,
        "tool": {"name": "hbox", "version": version("hbox"), "checks": _code()},
        "site": run.site,
        "node": run.node,
        "container": run.container,
        "started": run.started,
        "seconds": run.seconds,
        "today": run.started[:10] if given is NOTHING else given.today,
        "catalogue": {"standard": run.catalogue.standard, "sha256": run.catalogue.sha256},
        "statements": [one.as_dict() for one in STATEMENTS],
        "legend": {str(verdict): text.as_dict() for verdict, text in VERDICT_TEXT.items()},
        "subjects": [sections.subject(one, run.findings) for one in run.subjects],
        "foreign": [sections.foreign(one, run.findings) for one in foreign],
        **sections.findings(run.catalogue, run.findings),
        "laws": [_law(name, run) for name in LAWS],
        "checks": [sections.check(one) for one in run.outcomes],
        "evidence": {p.sha256: p.as_dict() for one in run.outcomes for p in one.evidence},
        "options": dict(given.options),
        "former": _former(given.former),
        "answers": [statements.plain(one) for one in given.statements],
        "waivers": [asdict(one) for one in given.waivers],
    }
    made |= derive(made)
    return {**made, "summary": {**_summary(made["layers"]), "judged": judged.count(made)}}


@functools.cache
def _code() -> str:
    """The digest of all that judges: with other checks another verdict is no change of the box."""
    root = Path(__file__).parent
    held = {str(one.relative_to(root)): digest(one.read_bytes()) for one in root.rglob("*.py")}
    return digest(canonical(held))


def _law(name: str, run: Run) -> Report:
    law = load(name)
    found = findings(law, run.subjects, run.outcomes, run.given)
    return sections.law(law, found)


def _former(former: Former | None) -> Report | None:
    return {"digest": former.digest, "risks": list(former.risks)} if former else None


def sign(report: Report, key: SigningKey, made: Mapping[str, bytes] | None = None) -> Report:
    """Return the envelope: report, its digest, the digest of its page, and a signature over both.

    `made` are the report's other forms by name (`xlsx`, `pdf`); their digests are signed with it.
    """
    held = digest(canonical(report))
    envelope = {
        "format": ENVELOPE,
        "report": report,
        "digest": held,
        "html_sha256": digest(html(report).encode()),
        **{f"{form}_sha256": digest(data) for form, data in (made or {}).items()},
        "signed_at": iso(),
        "key": key.public.fingerprint,
        "public_key": key.public.pem.decode(),
    }
    return {**envelope, "signature": key.sign(statement(envelope)).hex()}


def statement(envelope: Report) -> bytes:
    """Return the bytes that are signed: everything of the envelope but report and signature."""
    return canonical({k: v for k, v in envelope.items() if k not in ("report", "signature")})


def html(report: Report) -> str:
    """Return the page for people; it carries the report's digest and nothing from outside."""
    return page.render(report, digest(canonical(report)))


def _summary(layers: Sequence[Report]) -> Report:
    """Return the items by verdict of each part of 等保."""
    parts = {}
    for part in ("general", "cloud"):
        held: Counter[str] = Counter()
        for layer in layers:
            if layer["part"] == part:
                held.update(layer["counts"])
        parts[part] = {str(verdict): held[verdict] for verdict in VERDICT_TEXT}
    return parts
