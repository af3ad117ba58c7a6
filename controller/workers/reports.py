"""How the daily report is made: figures, page, signature, files; on demand and each night by itself."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from appliance import clock
from appliance.canonical import canonical, digest
from appliance.errors import Text
from appliance.signing import BadSignature, SigningKey, VerifyKey
from controller.actions.supervision import MakeReport
from controller.jobs.steps import Say, Step
from controller.records.exchange import GatewayReport
from controller.records.session import reading
from controller.workers.daily import Day, figures, summary, today
from controller.workers.daily_page import render
from controller.workers.journal_heads import last_line
from controller.workers.sharing import share
from controller.workers.site import Site

ENVELOPE = "hbox-signed-gateway-report/1"
FOLDER = "gateway"  # below the reports
_NIGHT = 10  # minutes after midnight: what the evening's messages came to is indexed by then


def make(action: MakeReport, site: Site) -> Sequence[Step]:
    """Make the report of one day."""

    def run(say: Say) -> None:
        row = write(site, Day(action.day))
        site.report(report=row.day, digest=row.digest)
        say(f"报告摘要 digest: {row.digest}")

    return [Step("report", Text("汇总、排版并签名", "Sum up, lay out and sign"), run)]


def write(site: Site, day: Day) -> GatewayReport:
    """Write and record the report of `day`; return its row. Again gives the figures of now."""
    with reading(site.engine) as session:
        found = figures(session, day, site.settings.site_name)
    found["sealed_head"] = last_line(site.settings.state)
    envelope = signed(found, SigningKey.load(site.settings.keys / "report.key"))
    folder = site.settings.state / "reports" / FOLDER
    share(folder / f"{day.name}.json", canonical(envelope), site)
    share(folder / f"{day.name}.html", page(found).encode(), site)
    row = GatewayReport(
        day=day.name, at=clock.iso(), digest=envelope["digest"], summary=summary(found)
    )
    site.change(lambda session: _keep(session, row))
    return row


def page(found: dict[str, Any]) -> str:
    """Return the page of a report; it carries the report's digest."""
    return render(found, digest(canonical(found)))


def signed(found: dict[str, Any], key: SigningKey) -> dict[str, Any]:
    """Return the envelope: the report, its digest, its page's digest, and Ed25519 over these."""
    envelope = {
        "format": ENVELOPE,
        "digest": digest(canonical(found)),
        "html_sha256": digest(page(found).encode()),
        "signed_at": clock.iso(),
        "key": key.public.fingerprint,
        "public_key": key.public.pem.decode(),
    }
    return {**envelope, "report": found, "signature": key.sign(canonical(envelope)).hex()}


def check(data: bytes, key: VerifyKey) -> dict[str, Any]:
    """Return the report in an envelope; raises `BadSignature` unless `key` signed exactly this."""
    envelope = json.loads(data)
    found, given = envelope.pop("report"), bytes.fromhex(envelope.pop("signature"))
    key.verify(given, canonical(envelope), what="daily report")
    if digest(canonical(found)) != envelope["digest"]:
        raise BadSignature(what="daily report")
    return dict(found)


def nightly(site: Site) -> bool:
    """Make yesterday's report if the night has come and nobody made it since; return whether it was made."""
    local = clock.local()
    yesterday = today(1)
    if local.hour == 0 and local.minute < _NIGHT:
        return False
    with reading(site.engine) as session:
        held = session.get(GatewayReport, yesterday.name)
        whole = held is not None and held.at >= yesterday.until
    if not whole:
        write(site, yesterday)
    return not whole


def _keep(session: Session, row: GatewayReport) -> None:
    session.merge(row)
