"""Questions that several checks share, so that each is put once a run."""

from compliance.questions import Command, File, command

PASSWD = Command(("getent", "passwd"), speaks=True)
# State and longest age only: the hash itself must never become evidence.
STATES = '{s = ($2 == "") ? "empty" : ($2 ~ /^[!*]/) ? "locked" : "set"; print $1 ":" s ":" $5}'
SHADOW = Command(("awk", "-F:", STATES, "/etc/shadow"), speaks=True)
SSHD = command("sshd", "-T")
SOCKETS = command("ss", "-H", "-tuln")
PACKAGES = Command(
    ("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\\n"), speaks=True
)
RULESET = command("nft", "-j", "list", "ruleset", root=True)
CONTAINER = command("systemd-detect-virt", "--container", ok=(0, 1))
# Which other nodes the box has; a box of one node has no such file.
FABRIC = File("/var/lib/hbox/network/fabric.json")
LIBVIRTD = File("/etc/libvirt/libvirtd.conf")
PYTHON = "/usr/lib/hbox/venv/bin/python"
# One walk for all checks that look at the whole file system.
WALK = Command((PYTHON, "-I", "-m", "compliance.walk"), patience=90.0, speaks=True)
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
