"""One figure as a line of bench/results.jsonl, with what it was measured under."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results.jsonl"


@dataclass(frozen=True)
class Figure:
    """`ours` and `peer` are medians in `unit`; `ratio` is ours / peer; `target` is for the ratio.

    `higher_is_better` says which side of the target counts as met. Without a peer `ratio` and
    `met` are null, and the figure stands against the goal named in `conditions`.
    """

    bench: str
    unit: str
    ours_runs: list[float]
    peer_name: str | None = None
    peer_runs: list[float] = field(default_factory=list)
    target: float | None = None
    higher_is_better: bool = False
    conditions: dict[str, object] = field(default_factory=dict)

    def line(self) -> dict[str, object]:
        """The JSON form; spread is min and max of the runs."""
        ours = median(self.ours_runs)
        peer = median(self.peer_runs) if self.peer_runs else None
        ratio = round(ours / peer, 3) if peer else None
        met = None
        if ratio is not None and self.target is not None:
            met = ratio >= self.target if self.higher_is_better else ratio <= self.target
        return {
            "bench": self.bench,
            "unit": self.unit,
            "ours": round(ours, 3),
            "peer": round(peer, 3) if peer is not None else None,
            "peer_name": self.peer_name,
            "ratio": ratio,
            "target": self.target,
            "met": met,
            "conditions": {
                **machine(),
                "runs": len(self.ours_runs),
                "ours_spread": [round(min(self.ours_runs), 3), round(max(self.ours_runs), 3)],
                "peer_spread": [round(min(self.peer_runs), 3), round(max(self.peer_runs), 3)]
                if self.peer_runs
                else None,
                **self.conditions,
            },
        }


def machine() -> dict[str, object]:
    """What every figure says about the machine: commit, cores, load before the run."""
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {"commit": commit, "cores": os.cpu_count(), "load1": round(os.getloadavg()[0], 2)}


def record(figure: Figure) -> None:
    """Print the figure and append it to the results."""
    line = json.dumps(figure.line(), ensure_ascii=False)
    print(line, flush=True)
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
