"""The report as one self-contained page: pure functions from the report's JSON to HTML text."""

from collections.abc import Sequence
from html import escape

from appliance.clock import beijing
from compliance import page_judging
from compliance.judged import acute
from compliance.markup import Part, badge, both, table
from compliance.model import WORST_FIRST, Verdict
from compliance.plot import plot, plot_objects
from compliance.style import COLOURS, CSS

_REST = "余待人工 rest"

_JUDGED_NOTE = {
    "zh": "只计机器检查得出的结果，逐对象计；人员尚未核查的对象不在其中。“余待人工”：机器可查的部分符合，"
    "条款其余部分由人员核查，不算符合。",
    "en": "Only what checks found, counted by object. Where the checks conform and a person examines the "
    "rest of the item, it is not counted as met.",
}
_CONFORM_NOTE = {
    "zh": "条款在该对象上符合；条款整体仍按其最差的对象计。",
    "en": "The item conforms on this object; the item as a whole still counts as its worst object.",
}


def render(report: Part, digest: str) -> str:
    """Return the whole page. It loads nothing, runs nothing, and prints as it is seen."""
    title = f"{report['site']} 等保三级自查报告"
    body = "\n".join(
        (
            _head(report, digest),
            page_judging.risks(report),
            _summary(report),
            page_judging.rulesets(report),
            _judged(report),
            _layers(report),
            _worst(report),
            _conforming(report),
            page_judging.foreign(report),
            page_judging.answers(report),
            _checks(report),
            _items(report),
            page_judging.laws(report),
            _evidence(report),
        )
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="hbox-report-sha256" content="{digest}">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n{body}\n"
        "</main>\n</body>\n</html>\n"
    )


def _head(report: Part, digest: str) -> str:
    facts = (
        ("医院 Hospital", report["site"]),
        ("节点 Node", report["node"] + ("（容器 container）" if report["container"] else "")),
        ("开始 Started", beijing(report["started"])),
        ("用时 Took", f"{report['seconds']} s"),
        ("依据 Catalogue", report["catalogue"]["standard"]),
        ("目录摘要 Its SHA-256", report["catalogue"]["sha256"]),
        ("报告摘要 Report SHA-256", digest),
        ("工具 Tool", f"{report['tool']['name']} {report['tool']['version']}"),
    )
    rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in facts)
    notes = "".join(f"<li>{both(note)}</li>" for note in report["statements"])
    return (
        '<h1>等保三级自查报告 <span class="en" lang="en">Level-3 self-inspection</span></h1>\n'
        f'<table class="facts">{rows}</table>\n<ul class="notes">{notes}</ul>'
    )


def _summary(report: Part) -> str:
    names = {
        "general": "安全通用要求（条款） general, items",
        "cloud": "云计算扩展要求（条款） cloud, items",
    }
    heads = "".join(f"<th>{badge(report, v)}</th>" for v in WORST_FIRST)
    rows = "".join(
        f"<tr><th>{names[part]}</th>"
        + "".join(f"<td>{counts[v]}</td>" for v in WORST_FIRST)
        + "</tr>"
        for part, counts in ((part, report["summary"][part]) for part in names)
    )
    score = report["score"]
    return (
        f'<h2>汇总 <span class="en" lang="en">Summary</span></h2>\n'
        f"<table><tr><th></th>{heads}</tr>{rows}</table>\n"
        f"<p>规则集 Rule set <code>{score['ruleset']}</code>：{both(score['conclusion'])}</p>"
    )


def _judged(report: Part) -> str:
    """Count what the checks found, object by object, apart from what waits for a person."""
    judged = report["summary"]["judged"]
    objects = [
        (f"{both(one['title'])} <code>{escape(one['ref'])}</code>", one)
        for one in judged["objects"]
    ]
    names = {one["id"]: one["text"] for one in report["layers"]}
    layers = [
        (f"{one['id']} {both(names[one['id']])}", one, f"{one['asked']} / {one['items']}")
        for one in judged["layers"]
    ]
    verdicts = [v for v in WORST_FIRST if v is not Verdict.PENDING]
    checks = [_count_row(name, one["checks"], verdicts) for name, one in objects]
    found = [_count_row(name, one["findings"], WORST_FIRST) for name, one in objects]
    of_layers = [
        _count_row(name, one["findings"], WORST_FIRST, asked) for name, one, asked in layers
    ]
    words = [report["legend"][v]["zh"] for v in verdicts]
    parted = [_REST if v is Verdict.PENDING else report["legend"][v]["zh"] for v in WORST_FIRST]
    asked = "机器查过 / 全部条款 Asked / items"
    return (
        '<h2>机器已检查的对象 <span class="en" lang="en">What the machine judged</span></h2>\n'
        f"<p>{both(_JUDGED_NOTE)}</p>\n"
        f"{plot_objects(judged['objects'], report['legend'], COLOURS)}\n"
        f"<h3>检查项数 Checks</h3>\n{table(('对象 Object', *words, '合计 Sum'), checks)}\n"
        f"<h3>条款×对象 Items on objects</h3>\n{table(('对象 Object', *parted, '合计 Sum'), found)}\n"
        f"<h3>按层面 By layer</h3>\n{table(('层面 Layer', *parted, '合计 Sum', asked), of_layers)}"
    )


def _count_row(
    name: str, counts: Part, verdicts: Sequence[Verdict], more: str | None = None
) -> str:
    numbers = [str(counts[v]) for v in verdicts]
    cells = [*numbers, str(sum(counts.values())), *([] if more is None else [more])]
    return f"<tr><th>{name}</th>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _layers(report: Part) -> str:
    return '<h2>各层结果 <span class="en" lang="en">Layers</span></h2>\n' + plot(
        report["layers"], report["legend"], COLOURS
    )


def _worst(report: Part) -> str:
    """Findings to act on, worst first."""
    shown = _findings(report, acute(report))
    return (
        f'<h2>问题，最差在前 <span class="en" lang="en">Findings, worst first</span></h2>\n{shown}'
    )


def _conforming(report: Part) -> str:
    """Findings that conform as a whole on their object, with the checks that carry them."""
    good = [one for one in report["findings"] if one["verdict"] == Verdict.CONFORM]
    return (
        '<h2>已判为符合 <span class="en" lang="en">Findings that conform</span></h2>\n'
        f"<p>{both(_CONFORM_NOTE)}</p>\n{_findings(report, good)}"
    )


def _findings(report: Part, found: Sequence[Part]) -> str:
    items = {item["id"]: item for item in report["items"]}
    rows = [_finding_row(report, one, items[one["item"]]) for one in found]
    return table(("条款 Item", "对象 Object", "结果 Verdict", "原因 Why", "检查 Checks"), rows)


def _finding_row(report: Part, one: Part, item: Part) -> str:
    risk = (
        f"<br><small>高风险情形 high-risk case {escape(item['high_risk'])}</small>"
        if item["high_risk"]
        else ""
    )
    links = " ".join(f'<a href="#check-{c}">{c}</a>' for c in one["checks"])
    return (
        f'<tr><td><a href="#item-{one["item"]}">{one["item"]}</a>{risk}</td><td>{escape(one["subject"])}</td>'
        f"<td>{badge(report, one['verdict'])}{page_judging.waived(report, one)}</td>"
        f"<td>{both(one['reason'])}</td><td>{links}</td></tr>"
    )


def _checks(report: Part) -> str:
    rows = []
    for verdict in WORST_FIRST:
        for one in report["checks"]:
            if one["verdict"] == verdict:
                links = " ".join(f'<a href="#e-{sha}">{sha[:8]}</a>' for sha in one["evidence"])
                rows.append(
                    f'<tr id="check-{one["id"]}"><td>{both(one["title"])}<br><code>{one["id"]}</code></td>'
                    f"<td>{escape(one['subject'])}</td><td>{badge(report, one['verdict'])}</td>"
                    f"<td>{both(one['reason'])}</td><td>{links}</td></tr>"
                )
    shown = table(("检查 Check", "对象 Object", "结果 Verdict", "原因 Why", "证据 Evidence"), rows)
    return f'<h2>机器检查 <span class="en" lang="en">Machine checks</span></h2>\n{shown}'


def _items(report: Part) -> str:
    rows = [
        f'<tr id="item-{one["id"]}"><td>{one["id"]}</td><td>{both(one["text"])}</td>'
        f"<td>{badge(report, one['verdict'])}</td></tr>"
        for one in report["items"]
    ]
    shown = table(("条款 Item", "要求（转述） Requirement, paraphrased", "结果 Verdict"), rows)
    return f'<h2>全部条款 <span class="en" lang="en">All items</span></h2>\n{shown}'


def _evidence(report: Part) -> str:
    blocks = [
        f'<details id="e-{sha}"><summary><code>{sha[:8]}</code> {escape(one["asked"][:160])}</summary>'
        f"<dl><dt>问 Asked</dt><dd><code>{escape(one['asked'])}</code></dd>"
        f"<dt>时 地 When, where</dt><dd>{escape(one['at'])} @ {escape(one['where'])}</dd>"
        f"<dt>结果 Ended</dt><dd>{escape(one['status'])}, exit {one['exit']}</dd>"
        f"<dt>SHA-256</dt><dd><code>{sha}</code></dd></dl><pre>{escape(one['answer'])}</pre></details>"
        for sha, one in report["evidence"].items()
    ]
    return '<h2>证据 <span class="en" lang="en">Evidence</span></h2>\n' + "\n".join(blocks)
