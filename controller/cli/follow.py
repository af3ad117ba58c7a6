"""Following a job: each step as a line with its measured seconds, then how it ended."""

import argparse
import sys
from typing import Any

from appliance import clock
from controller.cli.client import Box, Told
from controller.cli.output import show

COLUMNS = (
    ("编号 number", "number"),
    ("任务 job", "title"),
    ("状态 state", "state_text"),
    ("秒 seconds", "seconds"),
    ("发起人 by", "actor"),
    ("创建 created", "created_at"),
    ("等待 blocked by", "blocked_by"),
)
_SIGNS = {"done": "✓", "failed": "✗", "running": "▶", "undoing": "↶", "undone": "↩"}
_EVERY = 0.5  # seconds between two looks


def finish(args: argparse.Namespace, box: Box, job: dict[str, Any]) -> int:
    """Show the job that was submitted and follow it, unless told not to; return the exit code."""
    if args.no_wait:
        show(job, args.format, COLUMNS)
        return 0
    ended = follow(box, job["id"])
    if args.format != "table":
        show(ended, args.format, COLUMNS)
    elif ended["result"]:
        show(ended["result"], args.format, tuple((name, name) for name in ended["result"]))
    return code(ended)


def follow(box: Box, job_id: str) -> dict[str, Any]:
    """Print the job's steps to stderr as they go; return the job when it has ended."""
    told: dict[int, str] = {}
    blocked = ""
    while True:
        job: dict[str, Any] = box.get(f"/jobs/{job_id}")
        if not told and not blocked:
            blocked = "-"
            _say(f"任务 job {job['number']}: {job['title']['zh']} {job['title']['en']}")
        if job["blocked_by"] and job["blocked_by"] != blocked:
            blocked = job["blocked_by"]
            _say(f"… 等待 waits for {blocked}")
        _steps(job["steps"], told)
        if job["over"]:
            _ending(job)
            return job
        clock.pause(_EVERY)


def code(job: dict[str, Any]) -> int:
    """Return 0 for a job that succeeded; else raise the job's own error."""
    if job["state"] == "succeeded":
        return 0
    if job["error"]:
        raise Told(500, job["error"])
    return 1


def _steps(steps: list[dict[str, Any]], told: dict[int, str]) -> None:
    for at, step in enumerate(steps):
        if step["state"] == told.get(at, "pending"):
            continue
        told[at] = step["state"]
        took = f" {step['seconds']:.1f} s" if step["seconds"] is not None else ""
        title = f"{step['title']['zh']} {step['title']['en']}"
        _say(f"  {_SIGNS.get(step['state'], '?')} {title}{took}")


def _ending(job: dict[str, Any]) -> None:
    took = f"，{job['seconds']:.1f} s" if job["seconds"] is not None else ""
    text = job["state_text"]
    _say(f"任务 job {job['number']}: {text['zh']} {text['en']}{took}")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
