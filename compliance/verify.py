"""Verifies a signed report offline: signature, digests, every piece of evidence, and the sums.

Needs nothing of the box: an auditor's laptop with this package's base dependencies is enough.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from appliance.canonical import canonical, digest
from appliance.errors import BoxError, Refused, Text
from appliance.signing import VerifyKey
from compliance import exports
from compliance.consistency import BadReport, OtherRules, check_content
from compliance.report import ENVELOPE, statement

__all__ = ("FORMS", "BadReport", "ForeignKey", "OtherRules", "Verified", "check_content", "verify")

Part = Mapping[str, Any]


class ForeignKey(Refused):
    """The report is whole, but signed with another key than the one given."""

    code = "report.foreign_key"
    text = Text("报告由另一密钥 {found} 签署", "The report is signed with another key: {found}")
    hint = Text("请核对所给公钥是否属于这台医盒。", "Check that the key given belongs to this box.")


@dataclass(frozen=True)
class Verified:
    """What was verified. `trusted` says whether the signer was checked against a given key.

    `beside` are the forms (`html`, `xlsx`, `pdf`) whose files were shown to be the signed ones.
    """

    digest: str
    key: str
    trusted: bool
    site: str
    started: str
    evidence: int
    findings: int
    beside: tuple[str, ...] = ()


FORMS = ("html", *exports.FORMS)
"""Forms of the report whose digests an envelope may carry."""


def verify(
    data: bytes,
    key: VerifyKey | None = None,
    page: bytes | None = None,
    others: Mapping[str, bytes] | None = None,
) -> Verified:
    """Verify a report's JSON, its page and its `others` when given; raise `BadReport` or `ForeignKey`.

    `others` are files by form (`xlsx`, `pdf`). Without `key` only wholeness is shown: anybody can sign
    anew with a key of their own.
    """
    envelope = _parsed(data)
    beside = {**({} if page is None else {"html": page}), **(others or {})}
    try:
        return _verify(envelope, key, beside)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadReport(why=f"{type(error).__name__}: {error}") from error


def _verify(envelope: Part, key: VerifyKey | None, beside: Mapping[str, bytes]) -> Verified:
    if envelope["format"] != ENVELOPE:
        raise BadReport(why=f"不是医盒的签名报告 not a {ENVELOPE}")
    signer = VerifyKey.from_pem(envelope["public_key"].encode())
    if key is not None and key.fingerprint != signer.fingerprint:
        raise ForeignKey(found=signer.fingerprint)
    try:
        signer.verify(
            bytes.fromhex(envelope["signature"]), statement(dict(envelope)), what="report"
        )
    except BoxError as error:
        raise BadReport(why=f"{error.message.zh} {error.message.en}") from error
    report = envelope["report"]
    if digest(canonical(report)) != envelope["digest"]:
        raise BadReport(
            why="内容与签署的摘要不符 the report does not have the digest that was signed"
        )
    for form, held in beside.items():
        _same(envelope, form, held)
    check_content(report)
    return Verified(
        digest=envelope["digest"],
        key=signer.fingerprint,
        trusted=key is not None,
        site=report["site"],
        started=report["started"],
        evidence=len(report["evidence"]),
        findings=len(report["findings"]),
        beside=tuple(beside),
    )


def _same(envelope: Part, form: str, held: bytes) -> None:
    """Raise `BadReport` unless this file of the report is the one that was signed."""
    signed = envelope.get(f"{form}_sha256")
    if signed is None:
        raise BadReport(why=f"签署时没有 {form} 文件 no {form} was signed with this report")
    if digest(held) != signed:
        raise BadReport(
            why=f"{form} 文件与签署的摘要不符 the {form} does not have the digest that was signed"
        )


def _parsed(data: bytes) -> Part:
    try:
        loaded = json.loads(data)
    except ValueError as error:
        raise BadReport(why=f"不是完整的 JSON not whole JSON: {error}") from error
    if not isinstance(loaded, dict):
        raise BadReport(why="不是 JSON 对象 not a JSON object")
    return loaded
