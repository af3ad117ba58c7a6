"""Rule set `hbox-2025-draft`: the rate as third parties print it, with its sum and its known gaps."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.errors import Text
from compliance.model import Verdict

RULESET = "hbox-2025-draft"

GAPS = (
    Text("2025 版报告模板的符合率公式未见官方原文，本公式取自第三方", "The official formula of the rate was not found; this one is third parties'"),
    Text("部分符合不计分", "Partly conforming items earn nothing"),
    Text("同一条款多个对象如何合并未见官方规定，本规则取最差", "How objects of one item combine was not found; we take the worst"),
    Text("恰为 90% 与 60% 的情形未规定，本规则按不高于处理", "Exactly 90 % and 60 % are not covered; we treat them as not above"),
    Text("未做重大风险隐患判定，需由测评人员判定", "Major risks are not judged here; an assessor judges them"),
    Text("条款权重未见官方原文，未使用", "Weights of items were not found and are not used"),
)  # fmt: skip


@dataclass(frozen=True)
class Score:
    """The sum: `low` counts undecided items as not met, `high` as met (both in percent)."""

    total: int
    not_applicable: int
    conform: int
    undecided: int
    low: float
    high: float
    conclusion: Text

    @property
    def sum(self) -> str:
        """The sum as one can check it by hand."""
        applicable = self.total - self.not_applicable
        return (
            f"{self.conform} ÷ ({self.total} − {self.not_applicable}) = {self.conform} ÷ {applicable} "
            f"= {self.low:.1f} %；({self.conform} + {self.undecided}) ÷ {applicable} = {self.high:.1f} %"
        )


def score(verdicts: Sequence[Verdict]) -> Score:
    """Score the verdicts of all items."""
    counts = Counter(verdicts)
    total, left_out = len(verdicts), counts[Verdict.NOT_APPLICABLE]
    applicable = total - left_out
    undecided = counts[Verdict.PENDING] + counts[Verdict.UNKNOWN]
    met = counts[Verdict.CONFORM]
    low = 100 * met / applicable if applicable else 0.0
    high = 100 * (met + undecided) / applicable if applicable else 0.0
    return Score(total, left_out, met, undecided, low, high, _conclusion(low, high, undecided))


def _conclusion(low: float, high: float, undecided: int) -> Text:
    """Return a band only when the undecided items cannot change it; it is never official."""
    if _band(low) != _band(high):
        return Text(
            f"尚无结论：{undecided} 项未判定", f"No conclusion yet: {undecided} items are undecided"
        )
    return _band(low)


def _band(rate: float) -> Text:
    if rate > 90:
        return Text(
            "符合率高于 90%（草案规则，非正式结论）",
            "Rate above 90 % (draft rules, nothing official)",
        )
    if rate > 60:
        return Text(
            "符合率介于 60% 与 90%（草案规则，非正式结论）",
            "Rate between 60 % and 90 % (draft rules, nothing official)",
        )
    return Text(
        "符合率不高于 60%（草案规则，非正式结论）",
        "Rate not above 60 % (draft rules, nothing official)",
    )
