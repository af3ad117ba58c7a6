"""Violations of what belongs to the kernel: seen only where it is the node's own, on the box booted as a machine."""

from tests.violations.violation import Violation


def switch(name: str, key: str, wrong: str, right: str, check: str, item: str) -> Violation:
    """One kernel switch set otherwise."""
    return Violation(
        id=name,
        breach=f"sysctl -qw {key}={wrong}",
        check=check,
        item=item,
        says=key,
        undo=f"sysctl -qw {key}={right}",
        watched=(f"sysctl {key}",),
        remedy=check,
        kernel=True,
    )


SWITCH = ("kernel_switches", "8.1.10.6.d")
VIOLATIONS = (
    switch("kernel_tells_addresses", "kernel.kptr_restrict", "0", "2", *SWITCH),
    switch("kernel_log_open", "kernel.dmesg_restrict", "0", "1", *SWITCH),
    switch("redirects_followed", "net.ipv4.conf.all.accept_redirects", "1", "0", *SWITCH),
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
