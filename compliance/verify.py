"""Verifies a signed report offline: signature, digests, every piece of evidence, and the sums.

Needs nothing of the box: an auditor's laptop with this package's base dependencies is enough.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.canonical import canonical, digest
from appliance.errors import BoxError, Refused, Text
from appliance.signing import VerifyKey
from compliance import judged
from compliance.evidence import Answer, Evidence, Status
from compliance.model import Verdict, worst
from compliance.report import ENVELOPE, FORMAT, statement
from compliance.scoring import score

Part = Mapping[str, Any]


class BadReport(Refused):
    """The report is cut off, altered, or contradicts itself."""

    code = "report.altered"
    text = Text("报告无效：{why}", "The report is not valid: {why}")
    hint = Text(
        "请从医盒重新导出报告，不要使用这份文件。",
        "Export the report from the box again; do not use this file.",
    )


class ForeignKey(Refused):
    """The report is whole, but signed with another key than the one given."""

    code = "report.foreign_key"
    text = Text("报告由另一密钥 {found} 签署", "The report is signed with another key: {found}")
    hint = Text("请核对所给公钥是否属于这台医盒。", "Check that the key given belongs to this box.")


@dataclass(frozen=True)
class Verified:
    """What was verified. `trusted` says whether the signer was checked against a given key."""

    digest: str
    key: str
    trusted: bool
    site: str
    started: str
    evidence: int
    findings: int


def verify(data: bytes, key: VerifyKey | None = None, page: bytes | None = None) -> Verified:
    """Verify a report's JSON, and its page when given; raise `BadReport` or `ForeignKey`.

    Without `key` only wholeness is shown: anybody can sign anew with a key of their own.
    """
    envelope = _parsed(data)
    try:
        return _verify(envelope, key, page)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadReport(why=f"{type(error).__name__}: {error}") from error


def _verify(envelope: Part, key: VerifyKey | None, page: bytes | None) -> Verified:
    if envelope["format"] != ENVELOPE:
        raise BadReport(why=f"not a {ENVELOPE}")
    signer = VerifyKey.from_pem(envelope["public_key"].encode())
    if key is not None and key.fingerprint != signer.fingerprint:
        raise ForeignKey(found=signer.fingerprint)
    try:
        signer.verify(
            bytes.fromhex(envelope["signature"]), statement(dict(envelope)), what="report"
        )
    except BoxError as error:
        raise BadReport(why=error.message.en) from error
    report = envelope["report"]
    if digest(canonical(report)) != envelope["digest"]:
        raise BadReport(why="the report does not have the digest that was signed")
    if page is not None and digest(page) != envelope["html_sha256"]:
        raise BadReport(why="the page does not have the digest that was signed")
    check_content(report)
    return Verified(
        digest=envelope["digest"],
        key=signer.fingerprint,
        trusted=key is not None,
        site=report["site"],
        started=report["started"],
        evidence=len(report["evidence"]),
        findings=len(report["findings"]),
    )


def _parsed(data: bytes) -> Part:
    try:
        loaded = json.loads(data)
    except ValueError as error:
        raise BadReport(why=f"not whole JSON: {error}") from error
    if not isinstance(loaded, dict):
        raise BadReport(why="not a JSON object")
    return loaded


def check_content(report: Part) -> None:
    """Raise `BadReport` unless evidence, verdicts, items, layers and score fit each other.

    The worker asks this of the inspector's file before it signs.
    """
    if report["format"] != FORMAT:
        raise BadReport(why=f"not a {FORMAT}")
    for law in _LAWS:
        law(report)


def _evidence_holds(report: Part) -> None:
    for sha, raw in report["evidence"].items():
        answer = Answer(raw["answer"], Status(raw["status"]), raw["exit"])
        evidence = Evidence.of(raw["asked"], answer, at=raw["at"], where=raw["where"])
        if not sha == raw["sha256"] == evidence.sha256:
            raise BadReport(why=f"evidence {sha[:8]} was altered")


def _checks_have_evidence(report: Part) -> None:
    for check in report["checks"]:
        missing = [sha for sha in check["evidence"] if sha not in report["evidence"]]
        if missing or not check["evidence"]:
            raise BadReport(why=f"check {check['id']} has no evidence")


def _findings_have_checks(report: Part) -> None:
    made = {(check["id"], check["subject"]) for check in report["checks"]}
    for finding in report["findings"]:
        decided = finding["verdict"] not in (Verdict.PENDING, Verdict.UNKNOWN)
        named = [(check, finding["subject"]) in made for check in finding["checks"]]
        if not all(named) or (decided and not named):
            raise BadReport(why=f"finding {finding['item']} of {finding['subject']} has no check")


def _items_follow(report: Part) -> None:
    held: dict[str, list[Verdict]] = {}
    for finding in report["findings"]:
        held.setdefault(finding["item"], []).append(Verdict(finding["verdict"]))
    for item in report["items"]:
        if item["verdict"] != worst(held.get(item["id"], [Verdict.PENDING])):
            raise BadReport(why=f"item {item['id']} does not follow from its findings")


def _layers_follow(report: Part) -> None:
    for layer in report["layers"]:
        verdicts = [Verdict(i["verdict"]) for i in report["items"] if i["layer"] == layer["id"]]
        if layer["verdict"] != worst(verdicts) or sum(layer["counts"].values()) != len(verdicts):
            raise BadReport(why=f"layer {layer['id']} does not follow from its items")


def _score_follows(report: Part) -> None:
    again = score([Verdict(item["verdict"]) for item in report["items"]])
    if again.sum != report["score"]["sum"]:
        raise BadReport(why="the score does not follow from the items")


def _counts_follow(report: Part) -> None:
    if report["summary"]["judged"] != judged.count(report):
        raise BadReport(why="what the machine judged does not follow from checks and findings")


_LAWS: tuple[Callable[[Part], None], ...] = (
    _evidence_holds,
    _checks_have_evidence,
    _findings_have_checks,
    _items_follow,
    _layers_follow,
    _score_follows,
    _counts_follow,
)
