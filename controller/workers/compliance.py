"""How a compliance run is carried out: the inspector in its sandbox, its report signed and kept."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Failed, Text
from appliance.files import write_atomically
from appliance.signing import SigningKey
from compliance import given_file, report, sandbox, verify
from compliance.exports import FORMS
from controller.actions.compliance import RunCompliance
from controller.jobs.steps import Say, Step
from controller.records.tables import ComplianceRun
from controller.workers import compliance_forms, inspecting
from controller.workers.given import collect
from controller.workers.moved import moved
from controller.workers.site import Site

_LIMIT = 430.0  # seconds; the unit itself ends after 300, its prologue after 120


class InspectorFailed(Failed):
    """The inspector ended without a report."""

    code = "compliance.inspector_failed"
    text = Text("检查程序未给出报告：{why}", "The inspector gave no report: {why}")


def run(action: RunCompliance, site: Site) -> Sequence[Step]:
    """Inspect, then sign and record. The run's id is the job's: a resumed job makes no second one."""
    del action
    reports = site.settings.state / "reports"
    paths = {kind: reports / f"{site.job_id}.{kind}" for kind in ("json", "html", *FORMS)}
    raw = reports / f".{site.job_id}.raw"

    def inspect(say: Say) -> None:
        began = clock.monotonic()
        sandbox.OUT.unlink(missing_ok=True)
        _hand_over(site, say)
        key = inspecting.hand_over_nodes(site)
        argv = sandbox.argv(site.settings.site_name, given=str(sandbox.GIVEN), key=key)
        done = site.home.host.run(argv, timeout=_LIMIT, check=False)
        if done.code != 0 or not sandbox.OUT.exists():
            why = done.err.decode("utf-8", "replace").strip()[-500:]
            raise InspectorFailed(why=f"exit {done.code}: {why}")
        seconds = round(clock.monotonic() - began, 3)
        found = json.loads(sandbox.OUT.read_bytes())
        verify.check_content(found)
        write_atomically(
            raw, json.dumps({"seconds": seconds, "report": found}).encode(), mode=0o600
        )
        say(f"检查用时 inspected in {seconds:.1f} s: {len(found['checks'])} checks")

    def export(say: Say) -> None:
        found = json.loads(raw.read_bytes())["report"]
        compliance_forms.make(site, json.dumps(found).encode(), paths, say)

    def sign(say: Say) -> None:
        held = json.loads(raw.read_bytes())
        made = compliance_forms.made(paths)
        key = SigningKey.load(site.settings.keys / "report.key")
        envelope = report.sign(held["report"], key, made)
        data = json.dumps(envelope, ensure_ascii=False).encode()
        compliance_forms.share(paths["json"], data, site)
        compliance_forms.share(paths["html"], report.html(held["report"]).encode(), site)
        row = _row(site, envelope, held, paths)
        row.summary = {**row.summary, "moved": moved(site, held["report"], say)}
        site.change(lambda session: _keep(session, row))
        site.report(run=site.job_id, forms=["html", *made])
        say(f"报告摘要 digest: {envelope['digest']}")

    def discard(_say: Say) -> None:
        for path in (raw, *paths.values()):
            path.unlink(missing_ok=True)
        site.change(lambda session: _drop(session, site.job_id))

    return [
        Step("inspect", Text("只读检查", "Inspect, read-only"), inspect, discard),
        Step("export", Text("制作记录表和 PDF", "Make the workbook and the PDF"), export, discard),
        Step("sign", Text("签名并归档", "Sign and keep the report"), sign, discard),
        # A step of its own: signing may be done a second time, and needs the file then.
        Step("clear", Text("清理中间文件", "Clear what was in between"), _clearing(raw), discard),
    ]


def _clearing(path: Path) -> Callable[[Say], None]:
    return lambda _say: path.unlink(missing_ok=True)


def _hand_over(site: Site, say: Say) -> None:
    """Write what people gave for the inspector; what it would refuse is told here, by its place."""
    given = given_file.dump(collect(site, say))
    given_file.parse(given)
    write_atomically(sandbox.GIVEN, given, mode=0o600)


def _row(
    site: Site, envelope: dict[str, Any], held: dict[str, Any], paths: dict[str, Path]
) -> ComplianceRun:
    found = held["report"]
    return ComplianceRun(
        id=site.job_id,
        at=clock.iso(),
        seconds=held["seconds"],
        ruleset=found["score"]["ruleset"],
        digest=envelope["digest"],
        json_path=str(paths["json"]),
        html_path=str(paths["html"]),
        summary=summary(found),
    )


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """Return what the records keep of a report.

    Items by verdict for each part (`general`, `cloud`) and layer (`layers`); `judged`: what the machine
    judged, per object and layer; `band`: the rate's two ends in per cent, undecided as not met and as met.
    """
    layers = {layer["id"]: layer["counts"] for layer in found["layers"]}
    band = [float(found["score"][end]) for end in ("low", "high")]
    return {**found["summary"], "layers": layers, "band": band}


def _keep(session: Session, row: ComplianceRun) -> None:
    session.merge(row)


def _drop(session: Session, run_id: str) -> None:
    row = session.get(ComplianceRun, run_id)
    if row is not None:
        session.delete(row)
