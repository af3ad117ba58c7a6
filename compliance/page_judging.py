"""The page's chapters on judging: risks first, the rule sets with their sums, people's part, other law."""

from html import escape

from compliance.markup import Part, badge, both, bullets, heading, row, table
from compliance.model import WORST_FIRST
from compliance.risks import STATE_TEXT, State
from compliance.statements import EFFECT_TEXT, Effect
from compliance.waivers import STANDING_TEXT, Standing

_LEVELS = {"major": "重大 major", "high": "高 high"}
_PROVABLE = {
    "box": "医盒可证明 the box can prove it",
    "people": "由人员证明 people prove it",
    "both": "医盒与人员共同证明 box and people together",
}
_STATUS = {
    "read": "据转述 as retold",
    "lead": "线索，待核 a lead, to be checked",
    "remembered": "凭记忆，待核 remembered, to be checked",
    "own": "本产品自定 our own",
}
_INKS = {
    State.OPEN: "violated",
    State.UNSEEN: "unknown",
    State.DOWNGRADED: "partial",
    State.CLOSED: "conform",
}
_RISK_HEADS = ("情形 Condition", "级别 Level", "状态 State", "对象 Objects", "可降低它的措施 What may lower it")  # fmt: skip


def risks(report: Part) -> str:
    """Return what is most urgent: open risks, then the ones nobody has verified, then the others."""
    if "risks" not in report:
        return ""
    rules, count = report["risk_rules"], report["risk_count"]
    told = "；".join(
        f"{_LEVELS[level]}：{held['printed']}，未核实 unseen {held['unseen']}"
        for level, held in count.items()
    )
    acute = [one for one in report["risks"] if one["state"] == State.OPEN]
    rest = [one for one in report["risks"] if one["state"] != State.OPEN]
    none = "<p>没有发现存在的高风险情形。 No open high-risk case was found.</p>"
    shown = table(_RISK_HEADS, [_risk(one) for one in acute]) if acute else none
    return (
        heading("风险，最重在前", "Risks, most serious first")
        + f"<p>{escape(told)}</p>\n<p>{both(rules['status'])}</p>\n{shown}\n"
        + f"<details><summary>其余 {len(rest)} 项 The other {len(rest)}</summary>"
        + table(_RISK_HEADS, [_risk(one) for one in rest])
        + f"</details>\n{_options(rules)}{bullets(rules['gaps'])}"
    )


def _risk(one: Part) -> str:
    state = State(one["state"])
    links = " ".join(f'<a href="#item-{item}">{item}</a>' for item in one["items"])
    shared = f"（{one['case']}）" if one["case"] else ""
    lowered = "<br>".join(_mitigation(each) for each in one["mitigations"]) or "无 none"
    return row(
        f"{both(one['text'])}<br><small>{escape(one['id'] + shared)} {links}</small>",
        _LEVELS[one["level"]],
        f'<b class="v {_INKS[state]}">{STATE_TEXT[state].zh}</b>',
        both(one["why"]),
        lowered,
    )


def _mitigation(one: Part) -> str:
    proved = "；<b>已证明 proved</b>" if one["proved"] else ""
    return f"{both(one['text'])}<br><small>{_PROVABLE[one['provable']]}{proved}</small>"


def rulesets(report: Part) -> str:
    """Return every rule set with its conclusion, the sum to redo by hand, and its options."""
    if "rulesets" not in report:
        return ""
    return heading("规则集与算式", "Rule sets and sums") + "\n".join(
        _ruleset(one) for one in report["rulesets"]
    )


def _ruleset(one: Part) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in one["lines"])
    return (
        f"<h3>{both(one['title'])} <code>{escape(one['name'])}</code> v{one['version']}</h3>\n"
        f"<p>{both(one['status'])}</p>\n<p><b>{both(one['conclusion'])}</b></p>\n<ul>{lines}</ul>\n"
        f"{_options(one)}<details><summary>已知缺口 Known gaps</summary>{bullets(one['gaps'])}</details>"
    )


def _options(rules: Part) -> str:
    rows = [
        row(
            both(one["title"]),
            "<br>".join(
                f"<b>▶ {both(each['text'])}</b>"
                if each["key"] == one["taken"]
                else both(each["text"])
                for each in one["choices"]
            ),
            f"{both(one['why'])}<br><small>{escape(one['source'])}</small>",
        )
        for one in rules["options"]
    ]
    return table(("选项 Option", "取值（▶ 本次所取） Choice", "为何是选项 Why it is open"), rows)


def answers(report: Part) -> str:
    """Return what people stated, what became of it, and the waivers."""
    stated, waived = report.get("answers", ()), report.get("waivers", ())
    if not stated and not waived:
        return ""
    heads = (
        "条款与对象 Item, object",
        "结果 Verdict",
        "记录 Record",
        "填报 批准 By",
        "作用 Effect",
    )
    wants = (
        "条款与对象 Item, object",
        "理由 Reason",
        "补偿措施 Measure",
        "申请 批准 By",
        "状态 State",
    )
    return (
        heading("人员填报与豁免", "What people stated, and waivers")
        + (table(heads, [_answer(report, one) for one in stated]) if stated else "")
        + (table(wants, [_waiver(one) for one in waived]) if waived else "")
    )


def _answer(report: Part, one: Part) -> str:
    files = "".join(
        f"<br><small>{escape(f['name'])} {f['size']} B SHA-256 <code>{f['sha256']}</code></small>"
        for f in one["attachments"]
    )
    by = f"{one['answered_by']} → {one['approved_by'] or '未批准 not approved'}；复核 review {one['review_by']}"
    effect = EFFECT_TEXT[Effect(one["effect"])].as_dict()
    why = "" if one["why"] == effect else f"<br><small>{both(one['why'])}</small>"
    return row(
        escape(f"{one['item']} {one['subject']}"),
        badge(report, one["verdict"]),
        escape(one["record"]) + files,
        escape(by),
        both(effect) + why,
    )


def _waiver(one: Part) -> str:
    state = STANDING_TEXT[Standing(one["state"])].as_dict()
    return row(
        escape(f"{one['item']} {one['subject']}"),
        escape(one["reason"]),
        escape(one["measure"]),
        escape(f"{one['requested_by']} → {one['approved_by']}"),
        f"{both(state)}<br><small>{both(one['why'])}</small>",
    )


def waived(report: Part, finding: Part) -> str:
    """Return the waiver's word beside a finding, "" where there is none."""
    for one in report.get("waivers", ()):
        if (one["item"], one["subject"]) == (finding["item"], finding["subject"]):
            state = STANDING_TEXT[Standing(one["state"])].as_dict()
            return f"<br><small>{both(state)}：{both(one['why'])}</small>"
    return ""


def laws(report: Part) -> str:
    """Return each law beside 等保 with counts of its own."""
    return "\n".join(_law(report, one) for one in report.get("laws", ()))


def _law(report: Part, law: Part) -> str:
    counts = " · ".join(f"{badge(report, v)} {law['counts'][v]}" for v in WORST_FIRST)
    found: dict[str, list[Part]] = {}
    for one in law["findings"]:
        found.setdefault(one["item"], []).append(one)
    rows = [
        row(
            escape(item["id"]),
            f"{both(item['text'])}<br><small>{_STATUS[item['status']]}：{escape(item['source'])}</small>",
            badge(report, item["verdict"]),
            "<br>".join(
                f"{escape(one['subject'])} {badge(report, one['verdict'])}"
                for one in found.get(item["id"], ())
            ),
        )
        for item in law["items"]
    ]
    return (
        heading(law["title"]["zh"], law["title"]["en"])
        + f"<p>单独计数，不计入等保 Counted apart: {counts}</p>\n"
        + table(("条款 Item", "要求（转述） Requirement", "结果 Verdict", "对象 Objects"), rows)
    )


def foreign(report: Part) -> str:
    """Return the objects beside the box that people assess."""
    if not report.get("foreign"):
        return ""
    rows = [
        row(
            escape(one["ref"]),
            escape(" ".join(part for part in (one["what"], one["maker"], one["place"]) if part)),
            " · ".join(f"{badge(report, v)} {one['counts'][v]}" for v in WORST_FIRST),
        )
        for one in report["foreign"]
    ]
    heads = ("对象 Object", "是什么 What it is", "结果 Verdicts")
    return heading("盒外对象", "Objects beside the box") + table(heads, rows)
