"""A report as an assessor keeps it: rows of control point, item, record and verdict, by layer and object."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from compliance.exports.harmless import cut, plain
from compliance.model import KIND_TEXT, VERDICT_TEXT, Kind, Verdict

Part = Mapping[str, Any]

COLUMNS = ("序号", "控制点", "控制项", "结果记录", "符合情况")
"""What assessors' workbooks have, in this order (reference: three public ones agree)."""

OPEN = "未判定"
DECIDED = {
    Verdict.CONFORM: "符合",
    Verdict.PARTIAL: "部分符合",
    Verdict.VIOLATED: "不符合",
    Verdict.NOT_APPLICABLE: "不适用",
}
"""An assessor knows four words; what is unknown or waits for a person is `OPEN`."""

_SHOWN = 400  # characters of a raw answer that a record quotes; the report's JSON holds all of it
_LINES = 8


@dataclass(frozen=True)
class Row:
    """One line of an assessor's sheet."""

    number: int
    point: str
    item: str
    record: str
    verdict: str


@dataclass(frozen=True)
class Sheet:
    """The rows of one layer, one object or one law, and what is to be said of it."""

    title: str
    rows: tuple[Row, ...]
    about: str = ""


@dataclass(frozen=True)
class _Book:
    """What rows are made of: a report's parts by what they are looked up by."""

    points: Mapping[str, str]
    checks: Mapping[tuple[str, str], Part]
    evidence: Mapping[str, Part]
    people: Mapping[tuple[str, str], Sequence[Part]]
    waivers: Mapping[tuple[str, str], Sequence[Part]]


def layers(report: Part) -> list[Sheet]:
    """Return a sheet for each layer: one row per item, its record telling of every object."""
    book, found = _book(report), _grouped(report["findings"], "item")
    made = []
    for layer in report["layers"]:
        items = [item for item in report["items"] if item["layer"] == layer["id"]]
        rows = [_row(book, n, item, found.get(item["id"], [])) for n, item in enumerate(items, 1)]
        made.append(Sheet(f"{layer['id']} {layer['text']['zh']}", tuple(rows)))
    return made


def objects(report: Part) -> list[Sheet]:
    """Return a sheet for each object: one row per item that is asked of it."""
    book, found = _book(report), _grouped(report["findings"], "subject")
    items = {item["id"]: item for item in report["items"]}
    foreign = {one["ref"]: one for one in report.get("foreign", ())}
    refs = dict.fromkeys((*(one["ref"] for one in report["subjects"]), *found, *foreign))
    made = []
    for ref in refs:
        own = [one for one in found.get(ref, []) if one["item"] in items]
        rows = [
            _row(book, n, {**items[one["item"]], "verdict": one["verdict"]}, [one])
            for n, one in enumerate(own, 1)
        ]
        beside = foreign.get(ref, {})
        about = " ".join(beside[key] for key in ("what", "maker", "place") if beside.get(key))
        made.append(Sheet(title(ref), tuple(rows), about))
    return made


def laws(report: Part) -> list[Sheet]:
    """Return a sheet for each law beside 等保, which no rule set counts."""
    made = []
    for law in report.get("laws", ()):
        parts = layers({**report, **{key: law[key] for key in ("layers", "items", "findings")}})
        found = [row for one in parts for row in one.rows]
        numbered = [replace(row, number=n) for n, row in enumerate(found, 1)]
        made.append(Sheet(law["title"]["zh"], tuple(numbered), law["standard"]))
    return made


def title(ref: str) -> str:
    """Return what an object is called: `host:node1` is 主机 node1."""
    kind, _, name = ref.partition(":")
    known = KIND_TEXT[Kind(kind)].zh if kind in set(Kind) else kind
    return f"{known} {_short(name, 120)}"


def word(verdict: str) -> str:
    """Return an assessor's word for a verdict."""
    return DECIDED.get(Verdict(verdict), OPEN)


def _book(report: Part) -> _Book:
    points = {p["id"]: p["text"]["zh"] for layer in report["layers"] for p in layer["points"]}
    checks = {(one["id"], one["subject"]): one for one in report["checks"]}
    said = _placed(report.get("answers", ()))
    return _Book(points, checks, report["evidence"], said, _placed(report.get("waivers", ())))


def _grouped(found: Iterable[Part], by: str) -> dict[str, list[Part]]:
    groups: dict[str, list[Part]] = {}
    for one in found:
        groups.setdefault(one[by], []).append(one)
    return groups


def _placed(given: Iterable[Part]) -> dict[tuple[str, str], list[Part]]:
    """Return what people gave, by item and object."""
    groups: dict[tuple[str, str], list[Part]] = {}
    for one in given:
        groups.setdefault((one["item"], one["subject"]), []).append(one)
    return groups


def _row(book: _Book, number: int, item: Part, found: Sequence[Part]) -> Row:
    point = item["id"].rpartition(".")[0]
    return Row(
        number=number,
        point=f"{point} {book.points.get(point, '')}".strip(),
        item=f"{item['id'].rpartition('.')[2]}）{item['text']['zh']}",
        record="\n\n".join(_record(book, one) for one in found) or "未检查任何对象。",
        verdict=word(item["verdict"]),
    )


def _record(book: _Book, one: Part) -> str:
    """Return what was found on one object, in words, with what the machine asked and was answered."""
    said = VERDICT_TEXT[Verdict(one["verdict"])].zh
    lines = [f"【{title(one['subject'])}】{said}：{_short(one['reason']['zh'])}"]
    for name in one["checks"]:
        check = book.checks.get((name, one["subject"]))
        if check is not None:
            lines += _machine(book, check)
    place = (one["item"], one["subject"])
    lines += [_person(each) for each in book.people.get(place, ())]
    lines += [_waiver(each) for each in book.waivers.get(place, ())]
    return "\n".join(lines)


def _machine(book: _Book, check: Part) -> list[str]:
    said = VERDICT_TEXT[Verdict(check["verdict"])].zh
    lines = [f"机器检查“{check['title']['zh']}”（{check['id']}）：{said}，{_short(check['reason']['zh'])}"]  # fmt: skip
    for sha in check["evidence"]:
        proof = book.evidence.get(sha)
        if proof is not None:
            lines += [
                f"  执行：{_short(proof['asked'])}",
                f"  于 {proof['at']} 在 {_short(proof['where'])}，{_ended(proof)}，证据 {sha[:16]}",
                *(f"  ｜{line}" for line in _quoted(proof["answer"])),
            ]
    return lines


def _ended(proof: Part) -> str:
    return f"{proof['status']}，退出码 {proof['exit']}"


def _quoted(answer: str) -> list[str]:
    lines = [line for line in plain(answer[: _SHOWN * 4]).split("\n") if line.strip()]
    shown = cut("\n".join(lines[:_LINES]), _SHOWN).split("\n") if lines else ["（无输出）"]
    left = len(answer.split("\n")) - len(shown)
    return shown if len(lines) <= _LINES else [*shown, f"……另有约 {left} 行，全文见 JSON 报告"]


def _person(one: Part) -> str:
    said = VERDICT_TEXT[Verdict(one["verdict"])].zh
    files = "、".join(f"{_short(a['name'])}（{a['sha256'][:16]}）" for a in one["attachments"])
    parts = (
        f"人工核查：{said}，{_short(one['record'], 4000)}",
        f"填报 {_short(one['answered_by'])}，批准 {_short(one['approved_by']) or '（未批准）'}",
        f"复核期限 {one['review_by']}，{_short(one['why']['zh'])}",
        f"附件 {files}" if files else "",
    )
    return "；".join(part for part in parts if part)


def _waiver(one: Part) -> str:
    parts = (
        f"豁免：{_short(one['reason'], 2000)}",
        f"补偿措施 {_short(one['measure'], 2000)}",
        f"申请 {_short(one['requested_by'])}，批准 {_short(one['approved_by'])}",
        f"至 {one['expires']}，{_short(one['why']['zh'])}",
    )
    return "；".join(parts)


def _short(text: str, limit: int = 600) -> str:
    return cut(plain(text[: limit * 4]), limit).replace("\n", " ")
