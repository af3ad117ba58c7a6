"""Violations of what belongs to the kernel: seen only where it is the node's own, on the box booted as a machine."""

from tests.violations.violation import Violation


def switch(  # noqa: PLR0917 - a table's columns
    name: str, key: str, wrong: str, right: str, check: str, item: str, says: str = ""
) -> Violation:
    """One kernel switch set otherwise."""
    return Violation(
        id=name,
        breach=f"sysctl -qw {key}={wrong}",
        check=check,
        item=item,
        says=says or key,
        undo=f"sysctl -qw {key}={right}",
        watched=(f"sysctl {key}",),
        remedy=check,
        kernel=True,
    )


SWITCH = ("kernel_switches", "8.1.10.6.d")
VIOLATIONS = (
    # Taken back it is loaded no more: the kernel would load it as soon as a stick comes, were it allowed to.
    Violation(
        id="usb_storage_loaded",
        breach="modprobe --ignore-install usb-storage",
        check="usb_storage",
        item="8.1.10.7.a",
        says="is loaded",
        undo="modprobe -r uas usb_storage",
        remedy="usb_storage",
        kernel=True,
    ),
    switch("kernel_tells_addresses", "kernel.kptr_restrict", "0", "2", *SWITCH),
    switch("kernel_log_open", "kernel.dmesg_restrict", "0", "1", *SWITCH),
    switch("redirects_followed", "net.ipv4.conf.all.accept_redirects", "1", "0", *SWITCH),
    switch(
        "redirects_followed_on_one",
        "net/ipv4/conf/br-int/accept_redirects",
        "1",
        "0",
        *SWITCH,
        "accept_redirects is not off on br-int",
    ),
    switch(
        "redirects_sent_on_one",
        "net/ipv4/conf/br-ext/send_redirects",
        "1",
        "0",
        *SWITCH,
        "send_redirects is not off on br-ext",
    ),
    switch("addresses_not_random", "kernel.randomize_va_space", "0", "2", *SWITCH),
    switch("core_dumps_on", "fs.suid_dumpable", "1", "0", "core_dumps", "8.1.4.10.a"),
    Violation(
        id="audit_stopped",
        breach="auditctl -e 0",
        check="auditd",
        item="8.1.4.3.a",
        says="audit is off",
        undo="auditctl -e 1",
        watched=("auditctl -s | grep enabled",),
        remedy="auditd",
        kernel=True,
    ),
    Violation(
        id="audit_rules_gone",
        breach="auditctl -D",
        check="auditd",
        item="8.1.4.3.a",
        says="no audit rule",
        undo="augenrules --load",
        watched=("auditctl -l",),
        remedy="auditd",
        kernel=True,
    ),
)
