"""How a hospital system gets a client certificate: its request is signed, its key stays with it."""

from collections.abc import Sequence

from appliance.ca import Authority, fingerprint
from appliance.errors import Text
from appliance.files import write_atomically
from appliance.guomi_ca import GuomiAuthority
from controller.actions.peers import IssuePeer
from controller.jobs.steps import Say, Step
from controller.workers.site import Site


def issue(action: IssuePeer, site: Site) -> Sequence[Step]:
    """Sign, keep a copy, report certificate and fingerprint: the latter is what a channel pins."""

    def do(say: Say) -> None:
        settings = site.settings
        authority = _authority(action.tls, site)
        made = authority.certify(
            action.request.encode(), name=action.address, site=settings.site_name
        )
        write_atomically(settings.state / "peers" / f"{action.name}-{action.tls}.crt", made)
        site.report(
            name=action.name,
            fingerprint=fingerprint(made),
            certificate=made.decode("ascii"),
            authority=authority.certificate.read_text("ascii"),
        )
        say(f"指纹 fingerprint: {fingerprint(made)}")

    return [Step("issue", Text("签发客户端证书", "Issue the client certificate"), do)]


def _authority(kind: str, site: Site) -> Authority | GuomiAuthority:
    keys = site.settings.keys
    if kind == "sm":
        return GuomiAuthority(keys / "sm-ca.crt", keys / "sm-ca.key", site.home.host)
    return Authority(site.settings.state / "tls" / "ca.crt", keys / "ca.key")
