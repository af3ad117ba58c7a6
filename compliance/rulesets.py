"""The rule sets as named, versioned data: every hole of their sources is an option that one can see.

Nothing here is official: no official text of a formula was read. Each option says where its choices
come from; a run names the choice it was made with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.errors import BadInput, Text

CHINESE = {"general": "一般", "important": "重要", "critical": "关键"}
WEIGHTS = {"general": 1, "important": 2, "critical": 3}
WEIGHT = "weight."


@dataclass(frozen=True)
class Option:
    """One open point of a rule set: its choices (first: the default), why it is open, and the source."""

    key: str
    title: Text
    choices: Mapping[str, Text]
    why: Text
    source: str

    @property
    def default(self) -> str:
        """The choice that is taken where nobody chose."""
        return next(iter(self.choices))


@dataclass(frozen=True)
class Ruleset:
    """One way to sum up: raise `version` whenever the same verdicts would give another result."""

    name: str
    version: int
    title: Text
    status: Text
    options: tuple[Option, ...]
    gaps: tuple[Text, ...]


class BadOption(BadInput):
    """An option of a rule set does not exist, or has no such choice."""

    code = "compliance.bad_option"
    text = Text("规则集选项 {key} 不能取 {value}", "The rule sets' option {key} cannot be {value}")
    hint = Text(
        "可取值见报告中该规则集的选项表。", "The report lists each rule set's options and choices."
    )


_SCOPE = Option(
    "scope",
    Text("计入的条款", "Which items count"),
    {
        "all": Text("通用要求与云计算扩展要求", "general and cloud items"),
        "general": Text("仅通用要求", "general items only"),
    },
    Text("云计算扩展要求是否与通用要求合并计算，未见原文。", "Whether cloud items are counted together with the general ones was not found."),
    "HBox",
)  # fmt: skip

RATE = Ruleset(
    "hbox-2025-1",
    1,
    Text("2025 口径：符合率与重大风险隐患", "2025: rate of conformity and major risks"),
    Text("公式取自第三方转述，非官方原文", "formula as third parties tell it, not the official text"),
    (
        Option(
            "objects",
            Text("一个条款的多个对象如何合并", "How the objects of one item combine"),
            {
                "worst": Text("取最差的对象", "the worst object decides"),
                "mean": Text("取各适用对象得分的平均", "mean over the applicable objects"),
            },
            Text("未见官方规定。", "No official rule was found."),
            "HBox",
        ),
        Option(
            "partial",
            Text("部分符合得多少", "What partly conforming earns"),
            {"none": Text("不得分", "nothing"), "half": Text("得一半", "half")},
            Text("两份第三方资料只数“符合”的条款，均未引模板原文。", "Two third parties count conforming items only; neither cites the template."),
            "lingfengz/dengbao-csps; SelinuxJXM/JSecProbe",
        ),
        Option(
            "boundary",
            Text("恰为 90% 或 60%", "Exactly 90 % or 60 %"),
            {
                "below": Text("算作未超过", "counts as not above"),
                "above": Text("算作达到", "counts as reached"),
            },
            Text("问答只说“大于”“小于”；一份第三方摘要写作“不小于”。", "The answers say above and below only; one third party's digest writes at least."),
            "公网安〔2025〕1846号 问答（第三方转载）; lingfengz/dengbao-csps",
        ),
        Option(
            "major",
            Text("高于 90% 但有重大风险隐患", "Above 90 % with a major risk"),
            {
                "basic": Text("按基本符合", "basically conforms"),
                "none": Text("不下结论", "no conclusion"),
            },
            Text("问答没有给出这种情形的结论。", "The answers give no conclusion for this case."),
            "SelinuxJXM/JSecProbe",
        ),
        _SCOPE,
    ),
    (
        Text("2025 版报告模板的符合率公式未见官方原文，本公式取自第三方。", "The official formula of the rate was not found; this one is third parties'."),
        Text("重大风险隐患以触发项代替：正式判定由测评人员按相关性、严重性、高发性作出。", "Major risks are told by triggers; an assessor decides by relevance, severity and frequency."),
        Text("条款权重未见官方原文，未使用。", "Weights of items were not found and are not used."),
    ),
)  # fmt: skip

POINTS = Ruleset(
    "2021-unverified",
    1,
    Text("2021 口径：百分制得分", "2021: points out of a hundred"),
    Text("公式凭记忆，未见原文，仅供对照", "formula from memory, its text was not found; for comparison only"),
    (
        Option(
            "objects",
            Text("一个条款的多个对象如何合并", "How the objects of one item combine"),
            {
                "mean": Text("取各适用对象得分的平均", "mean over the applicable objects"),
                "worst": Text("取最差的对象", "the worst object decides"),
            },
            Text("公式以对象平均为条款得分，出处未见。", "The formula takes the mean over objects; its source was not found."),
            "—",
        ),
        Option(
            "partial",
            Text("部分符合得多少", "What partly conforming earns"),
            {"half": Text("得一半", "half"), "none": Text("不得分", "nothing")},
            Text("公式的取值为 0、0.5、1，出处未见。", "The formula's values are 0, 0.5 and 1; its source was not found."),
            "—",
        ),
        Option(
            "y",
            Text("技术部分所占份额 y", "The technical part's share y"),
            {
                "0.5": Text("0.5", "0.5"),
                "0.4": Text("0.4", "0.4"),
                "0.6": Text("0.6", "0.6"),
                "0.7": Text("0.7", "0.7"),
            },
            Text("y 的取值未见原文；按此公式，仅当一半扣到 0 分时 y 才影响总分。", "The value of y was not found; in this formula it matters only where one half falls to 0."),
            "—",
        ),
        _SCOPE,
    ),
    (
        Text("公式 M = Vt + Vm 未见原文，不得作为正式得分使用。", "The formula M = Vt + Vm was not verified; never use it as an official score."),
        Text("条款权重未见原文：除另行给出者外一律按“一般”（1）。", "Weights of items were not found: all count as general (1) unless given."),
        Text("未判定的条款若最终不适用，其余条款权重上升，得分可能低于“低”值，故不据“低”值下结论。", "An undecided item that proves not applicable makes the others weigh more: the points may fall below low, so no grade rests on it."),
        Text("中风险未判定，故“优”与“良”不能区分到底。", "Medium risks are not judged, so the two best grades cannot be told apart for certain."),
    ),
)  # fmt: skip

DANGER = Ruleset(
    "hbox-risk-1",
    1,
    Text("高风险与重大风险触发项", "High-risk cases and major-risk triggers"),
    Text("案例为第三方摘要的转述，非官方原文", "cases paraphrased from a third party's digest, not the official text"),
    (
        Option(
            "availability",
            Text("业务是否要求高可用", "Whether the service must be highly available"),
            {"needed": Text("要求", "needed"), "no": Text("不要求", "not needed")},
            Text("指引对部分案例限定“可用性要求较高”的系统，由医院确定。", "Some cases hold only where high availability is required; the hospital says so."),
            "lingfengz/dengbao-csps",
        ),
        Option(
            "industry",
            Text("是否属于重点行业", "Whether the hospital is of a key industry"),
            {"key": Text("属于", "it is"), "no": Text("不属于", "it is not")},
            Text("指引对一个案例限定重点行业，由医院与主管部门确定。", "One case holds only in key industries; the hospital and its authority say so."),
            "lingfengz/dengbao-csps",
        ),
    ),
    (
        Text("部分符合按风险仍存在计；机器只看到一部分的，按未核实计。", "Partly conforming counts as open; what the machine saw in part only counts as unseen."),
        Text("触发项全部成立也不等于重大风险隐患，正式判定由测评人员作出。", "A trigger is not yet a major risk; an assessor decides that."),
    ),
)  # fmt: skip

RULESETS = (RATE, POINTS)
"""The rule sets that sum up; the first is the one that a summary names."""

EVERY = (*RULESETS, DANGER)


def chosen(ruleset: Ruleset, options: Mapping[str, str]) -> dict[str, str]:
    """Return every option of `ruleset` with the choice taken; `options` as in `Given.options`."""
    return {
        one.key: options.get(f"{ruleset.name}.{one.key}", one.default) for one in ruleset.options
    }


def weights(ruleset: Ruleset, options: Mapping[str, str]) -> dict[str, int]:
    """Return the weights (1 to 3) that were given for single items: `NAME.weight.ITEM` → `critical`."""
    start = f"{ruleset.name}.{WEIGHT}"
    return {
        key.removeprefix(start): WEIGHTS[value]
        for key, value in options.items()
        if key.startswith(start)
    }


def check(options: Mapping[str, str]) -> None:
    """Raise `BadOption` for a key or a choice that no rule set has."""
    known = {f"{r.name}.{o.key}": o.choices for r in EVERY for o in r.options}
    for key, value in options.items():
        weighs = key.startswith(f"{POINTS.name}.{WEIGHT}") and value in WEIGHTS
        if not weighs and value not in known.get(key, ()):
            raise BadOption(key=key, value=value)
