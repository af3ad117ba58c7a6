"""Questions that several checks share, so that each is put once a run."""

from compliance.questions import Command, File, command

PASSWD = command("getent", "passwd")
# State and longest age only: the hash itself must never become evidence.
SHADOW = command(
    "awk",
    "-F:",
    '{s = ($2 == "") ? "empty" : ($2 ~ /^[!*]/) ? "locked" : "set"; print $1 ":" s ":" $5}',
    "/etc/shadow",
)
SSHD = command("sshd", "-T")
SOCKETS = command("ss", "-H", "-tuln")
PACKAGES = command("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\\n")
RULESET = command("nft", "-j", "list", "ruleset", root=True)
CONTAINER = command("systemd-detect-virt", "--container", ok=(0, 1))
LIBVIRTD = File("/etc/libvirt/libvirtd.conf")
PYTHON = "/usr/lib/hbox/venv/bin/python"
# One walk for all checks that look at the whole file system.
WALK = Command((PYTHON, "-I", "-m", "compliance.walk"), patience=90.0)
# Which database holds the records, and, where it is PostgreSQL, what its own superuser sees there.
SETTINGS = File("/etc/hbox/hbox.toml")


def psql(query: str) -> Command:
    """Ask the box's PostgreSQL as its own account. Where it is away, what remains is an empty answer."""
    argv = (
        "setpriv",
        "--reuid=postgres",
        "--regid=postgres",
        "--init-groups",
        "psql",
        "-XAtq",
        "-d",
        "postgres",
        "-c",
        query,
    )
    return Command(argv, ok=(0, 1, 2, 127), root=True)


API = "https://127.0.0.1:8443/api/v1"


def curl(*more: str) -> Command:
    """Ask the console over TLS under the box's own CA; the answer begins with status line and headers."""
    authority = "/var/lib/hbox/tls/ca.crt"
    return command("curl", "-s", "-i", "--max-time", "10", "--cacert", authority, *more)
