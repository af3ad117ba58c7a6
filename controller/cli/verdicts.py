"""The result of an inspection as tables on a terminal: what the machine judged, then what to act on."""

from collections.abc import Mapping
from typing import Any

from compliance.exports.harmless import plain
from compliance.judged import acute, count
from compliance.model import VERDICT_TEXT, Verdict
from controller.cli.output import Columns, rendered

Part = Mapping[str, Any]

_SHOWN = (
    Verdict.CONFORM,
    Verdict.PARTIAL,
    Verdict.VIOLATED,
    Verdict.NOT_APPLICABLE,
    Verdict.UNKNOWN,
)
_NOTE = (
    "余待人工 rest: 机器可查的部分符合，条款其余部分由人员核查，不算符合。"
    "The checks conform, a person examines the rest; not counted as met.\n"
)


def told(report: Part) -> str:
    """Return the tables for a report's JSON: per object, per layer, and the findings worst first."""
    judged = count(report)
    names = {one["id"]: one["text"] for one in report["layers"]}
    layers = [{**one, "text": names[one["id"]]} for one in judged["layers"]]
    parts = (
        "机器检查项数，逐对象 Checks, by object",
        rendered(judged["objects"], "table", (*_OBJECT, *_columns("checks"))),
        "机器查过的条款，逐对象 Items that a check looked at, by object",
        rendered(judged["objects"], "table", (*_OBJECT, *_columns("findings"), _REST)),
        "机器查过的条款，逐层（结果按条款×对象计） The same by layer, counted as items on objects",
        rendered(layers, "table", (*_LAYER, *_columns("findings"), _REST)),
        _NOTE + "\n" + _whole(report),
        "需处理，最差在前 To act on, worst first",
        _findings(report),
    )
    return "\n".join(parts)


_OBJECT: Columns = (("对象 object", "title"), ("名称 name", "ref"))
_LAYER: Columns = (
    ("层 layer", "id"),
    ("名称 name", "text.zh"),
    ("条款 items", "items"),
    ("机器查过 asked", "asked"),
)
_REST = ("余待人工 rest", f"findings.{Verdict.PENDING}")


def _columns(of: str) -> Columns:
    return tuple((VERDICT_TEXT[verdict].zh, f"{of}.{verdict}") for verdict in _SHOWN)


def _whole(report: Part) -> str:
    """Return the items' result, each item counted as its worst object: the official-looking sum."""
    verdicts = [item["verdict"] for item in report["items"]]
    counts = " · ".join(
        f"{text.zh} {verdicts.count(verdict)}" for verdict, text in VERDICT_TEXT.items()
    )
    conclusion = report["score"]["conclusion"]
    return (
        f"全部 {len(verdicts)} 个条款（各按其最差的对象计 each item as its worst object）: {counts}\n"
        f"{conclusion['zh']} {conclusion['en']}\n"
    )


def _findings(report: Part) -> str:
    found = acute(report)
    if not found:
        return "（无 none）\n"
    # A machine's words may stand in a reason: no terminal acts on them.
    return "".join(
        f"{VERDICT_TEXT[Verdict(one['verdict'])].zh}  {one['item']}  {plain(one['subject'])}\n"
        f"    {plain(one['reason']['zh'])}\n    {plain(one['reason']['en'])}\n"
        for one in found
    )
