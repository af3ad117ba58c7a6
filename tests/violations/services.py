"""Violations of what runs on the node: services, ports, journal, time, scanner, detector, log store."""

from tests.violations.violation import SILENCE, Violation, listener

HEARD = {"listening": "the port is not declared either"}
UNIT_FILES = "/usr/lib/systemd/system"
JOURNALD = "/etc/systemd/journald.conf.d/zz-violated.conf"


def port(
    name: str, number: int, check: str, item: str, *, kind: str = "STREAM", alone: bool = False
) -> Violation:
    """A program that listens to everybody."""
    return Violation(
        id=name,
        breach=listener(number, kind),
        check=check,
        item=item,
        says=f":{number}",
        undo=SILENCE,
        watched=("systemctl is-active violated || true",),
        also={} if alone else HEARD,
        why="what listens, and for whom, a person says",
    )


def journald(name: str, line: str, says: str) -> Violation:
    """A drop-in of journald, read by the check as systemd merges it."""
    return Violation(
        id=f"journal_{name}",
        breach=f"printf '[Journal]\\n{line}\\n' > {JOURNALD}",
        check="log_retention",
        item="8.1.4.3.c",
        says=says,
        touched=(JOURNALD,),
        remedy="log_retention",
    )


def stopped(name: str, unit: str, check: str, item: str, says: str, **more: object) -> Violation:
    """A unit that somebody stopped; started again when it is undone."""
    return Violation(
        id=name,
        breach=f"systemctl stop {unit}",
        check=check,
        item=item,
        says=says,
        undo=f"systemctl start {unit}",
        watched=(f"systemctl is-active {unit} || true",),
        **({"remedy": check} | more),  # type: ignore[arg-type]
    )


PORTS = (
    port("telnet_port", 23, "plaintext_services", "8.1.4.1.c"),
    port("ftp_port", 21, "plaintext_services", "8.1.4.1.c"),
    port("tftp_port", 69, "plaintext_services", "8.1.4.1.c", kind="DGRAM"),
    port("undeclared_port", 9999, "listening", "8.1.4.4.b", alone=True),
    port("undeclared_datagrams", 5353, "listening", "8.1.4.4.b", kind="DGRAM", alone=True),
    port("libvirt_on_tcp", 16509, "libvirt_remote", "8.1.4.1.c"),
    port("screen_on_tcp", 5900, "libvirt_remote", "8.1.4.1.c"),
    port("mail_port", 25, "mail_closed", "8.1.3.4.b"),
    port("wireguard_port", 51820, "tunnels", "8.1.10.6.i", kind="DGRAM"),
)

UNITS = (
    Violation(
        id="needless_unit",
        breach="systemd-run --quiet --collect --unit=rpcbind sleep 900",
        check="unneeded_units",
        item="8.1.4.4.b",
        says="rpcbind",
        touched=("/etc/systemd/system/rpcbind.service", "/etc/systemd/system/rpcbind.socket"),
        undo="systemctl stop rpcbind || true\nsystemctl daemon-reload",
        watched=("systemctl is-active rpcbind || true",),
        remedy="unneeded_units",
    ),
    Violation(
        id="needless_unit_with_its_socket",
        breach=f"printf '[Service]\\nExecStart=/usr/bin/sleep 900\\n' > {UNIT_FILES}/rpcbind.service\n"
        f"printf '[Socket]\\nListenStream=/run/rpcbind.sock\\n' > {UNIT_FILES}/rpcbind.socket\n"
        "systemctl daemon-reload\nsystemctl start rpcbind.socket rpcbind.service",
        check="unneeded_units",
        item="8.1.4.4.b",
        says="rpcbind",
        touched=tuple(
            f"{folder}/rpcbind.{kind}"
            for folder in (UNIT_FILES, "/etc/systemd/system")
            for kind in ("service", "socket")
        ),
        undo="systemctl stop rpcbind.socket rpcbind.service || true\nrm -f /run/rpcbind.sock\nsystemctl daemon-reload",
        watched=("systemctl is-active rpcbind.socket rpcbind.service || true",),
        remedy="unneeded_units",
    ),
    stopped("time_stopped", "chrony", "time_sync", "8.1.4.3.b", "clock", settle=0.5),
    Violation(
        id="time_source_gone",
        breach="chronyc -n delete 127.0.0.1 >/dev/null\nchronyc -n reset sources >/dev/null",
        check="time_sync",
        item="8.1.4.3.b",
        says="follows no time source",
        undo="systemctl restart chrony\nchronyc -n waitsync 60 0 0 0.2 >/dev/null",
        watched=("chronyc -n sources | awk '{print $2}'",),
        why="what is set still names it: whoever took it away at run time says why",
    ),
    stopped(
        "scanner_stopped",
        "hbox-clamd",
        "exchange_scan",
        "8.1.3.4.a",
        "test virus",
        settle=0.5,
        remedy="exchange_scan",
        also={"antimalware": "it is the node's own scanner too"},
        already="signatures come from outside the box",
    ),
    stopped(
        "detector_stopped",
        "suricata",
        "intrusion_detection",
        "8.1.3.3.a",
        "no intrusion detector",
    ),
    Violation(
        id="detector_without_rules",
        breach="find /var/lib/suricata/rules -name '*.rules' -exec touch -d '1 year ago' {} +",
        check="intrusion_detection",
        item="8.1.3.3.b",
        says="no rules",
        touched=("/var/lib/suricata/rules",),
        why="rules come from outside the box",
    ),
    stopped(
        "forwarding_stopped",
        "rsyslog",
        "log_forwarding",
        "8.1.4.3.c",
        "rsyslog does not run",
    ),
    Violation(
        id="integrity_base_gone",
        breach="find /var/lib/aide -name 'aide.db*' -delete",
        check="file_integrity",
        item="8.1.4.7.b",
        says="no AIDE database",
        touched=("/var/lib/aide",),
        remedy="file_integrity",
    ),
    stopped(
        "integrity_timer_stopped",
        "dailyaidecheck.timer",
        "file_integrity",
        "8.1.4.4.f",
        "daily look is not on",
    ),
    Violation(
        id="usb_storage_open",
        breach="sed -i '/usb[-_]storage/d' /etc/modprobe.d/*.conf",
        check="usb_storage",
        item="8.1.10.7.a",
        says="under no control",
        touched=("/etc/modprobe.d",),
        remedy="usb_storage",
    ),
)

JOURNAL = (
    journald("volatile", "Storage=volatile", "not kept on disk"),
    journald("off", "Storage=none", "not kept on disk"),
    journald("short", "MaxRetentionSec=30day", "less than six months"),
    Violation(
        id="journal_readable",
        breach="touch /var/log/journal/violated.journal~\nchmod 644 /var/log/journal/violated.journal~",
        check="log_retention",
        item="8.1.4.3.c",
        says="open to others",
        touched=("/var/log/journal/violated.journal~",),
        remedy="log_retention",
    ),
)

VIOLATIONS = (*PORTS, *UNITS, *JOURNAL)
