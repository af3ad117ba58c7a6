"""Questions that several checks share, so that each is put once a run."""

from compliance.questions import File, command

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
