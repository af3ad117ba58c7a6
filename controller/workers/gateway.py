"""How the gateway is proved: every known way across is tried, the signed outcome is kept."""

import json
from collections.abc import Sequence

from sqlalchemy.orm import Session

from appliance.ca import Authority
from appliance.errors import Text
from appliance.signing import SigningKey
from appliance.sm2 import Sm2Key
from controller.actions.gateway import ProveGateway
from controller.jobs.steps import Say, Step
from controller.records.exchange import Proof
from controller.workers.site import Site


def prove(action: ProveGateway, site: Site) -> Sequence[Step]:
    """Try, sign, record. A way found open is a finding in the proof, not a failure of the job."""
    del action

    def run(say: Say) -> None:
        # Late: it brings pyroute2 along, 12 MB that the worker needs for this alone.
        from network.gateway import prove as prover  # noqa: PLC0415 - see above

        key = SigningKey.load(site.settings.keys / "report.key")
        sm2 = Sm2Key.load_or_new(site.settings.keys / "report-sm2.key")
        proof = prover.prove(key, host=site.home.host, sm2=sm2)
        row = Proof(
            id=site.job_id,
            at=proof.at,
            level=proof.level,
            open_ways=sum(finding.verdict == "OPEN" for finding in proof.findings),
            document=json.loads(prover.render(proof)),
        )
        site.change(lambda session: _keep(session, row))
        site.report(proof=site.job_id, open=row.open_ways)
        for verdict in ("refused", "unknown", "OPEN"):
            count = sum(finding.verdict == verdict for finding in proof.findings)
            say(f"{verdict}: {count}")

    return [Step("prove", Text("逐一尝试所有已知通路", "Try every known way across"), run)]


def renew_certificates(site: Site) -> None:
    """Renew the legs' certificates before they end, and let the gateway take new ones up."""
    from network.gateway import certificates  # noqa: PLC0415 - TLS, needed for this alone

    settings = site.settings
    authority = Authority(settings.state / "tls" / "ca.crt", settings.keys / "ca.key")
    if certificates.ensure(settings.keys, authority, settings.site_name):
        site.home.host.run(["systemctl", "restart", "hbox-gateway.service"], timeout=90)


def _keep(session: Session, row: Proof) -> None:
    session.merge(row)
