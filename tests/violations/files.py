"""Violations of files: modes, owners, strangers with another's rights, altered programs and packages."""

from tests.violations.violation import Violation

TWO_NAMES = (
    "taking its rights would take those of the program that is meant: a person removes the name"
)
PROGRAM = "a changed program is laid anew from its package, by a person who asks why"


def mode(
    name: str,
    path: str,
    bits: str,
    check: str = "file_modes",
    item: str = "8.1.4.2.e",
    **more: object,
) -> Violation:
    """A file opened to others, brought back by its mode alone: nothing may be reading it meanwhile."""
    return Violation(
        id=name,
        breach=f"stat -c %a {path} > /run/hbox-violated.{name}\nchmod {bits} {path}",
        check=check,
        item=item,
        says=path.rsplit("/", 1)[-1].replace(".", r"\."),
        undo=f"chmod $(cat /run/hbox-violated.{name}) {path}\nrm /run/hbox-violated.{name}",
        watched=(f"stat -c '%a %U %G' {path}",),
        **({"remedy": check} | more),  # type: ignore[arg-type]
    )


def stranger(  # noqa: PLR0917 - a table's columns
    name: str, script: str, path: str, check: str, item: str, says: str, why: str = ""
) -> Violation:
    """Something that was not there."""
    remedy = "" if why else check
    return Violation(name, script, check, item, says, touched=(path,), remedy=remedy, why=why)


def called(name: str, letters: str, says: str) -> Violation:
    """A shell with root's rights under a name that printf makes of these letters."""
    script = (
        f"mkdir /opt/violated\nf=$(printf '/opt/violated/{letters}')\n"
        'cp /bin/bash "$f"\nchmod 4755 "$f"'
    )
    return stranger(name, script, "/opt/violated", "setuid_files", "8.1.4.2.d", says)


MODES = (
    mode("shadow_readable", "/etc/shadow", "644"),
    mode("gshadow_readable", "/etc/gshadow", "644"),
    mode("host_key_readable", "/etc/ssh/ssh_host_ed25519_key", "644"),
    mode("report_key_readable", "/var/lib/hbox/keys/report.key", "640"),
    mode("console_key_readable", "/var/lib/hbox/tls/server.key", "644"),
    mode(
        "passwd_writable",
        "/etc/passwd",
        "666",
        also={"stray_files": "it is world-writable as well"},
    ),
    mode("crontab_writable", "/etc/cron.d/e2scrub_all", "666", "stray_files", "8.1.4.2.f"),
    mode("sudoers_writable", "/etc/sudoers", "666", "stray_files", "8.1.4.2.f"),
    mode("log_folder_writable", "/var/log/libvirt", "777", "stray_files", "8.1.4.2.f"),
    mode("cron_folder_writable", "/etc/cron.d", "777", "stray_files", "8.1.4.2.f"),
    Violation(
        id="shadow_owner",
        breach="chown hbox-aud /etc/shadow",
        check="file_modes",
        item="8.1.4.2.e",
        says="/etc/shadow 0640 hbox-aud",
        touched=("/etc/shadow",),
        remedy="file_modes",
    ),
    Violation(
        id="keys_folder_open",
        breach="chmod 755 /var/lib/hbox/keys",
        check="file_modes",
        item="8.1.4.2.e",
        says="/var/lib/hbox/keys",
        undo="chmod 700 /var/lib/hbox/keys",
        watched=("stat -c '%a %U %G' /var/lib/hbox/keys",),
        remedy="file_modes",
    ),
    Violation(
        id="console_key_owner",
        breach="chown hbox-web:users /var/lib/hbox/tls/server.key",
        check="file_modes",
        item="8.1.4.2.e",
        says=r"tls/server\.key 0640 hbox-web",
        undo="chown root:hbox /var/lib/hbox/tls/server.key",
        watched=("stat -c '%a %U %G' /var/lib/hbox/tls/server.key",),
        remedy="file_modes",
    ),
)

STRAY = (
    stranger(
        "stray_file",
        "touch /opt/violated\nchmod 666 /opt/violated",
        "/opt/violated",
        "stray_files",
        "8.1.4.2.f",
        "/opt/violated",
    ),
    stranger(
        "stray_folder",
        "mkdir /srv/violated\nchmod 777 /srv/violated",
        "/srv/violated",
        "stray_files",
        "8.1.4.2.f",
        "/srv/violated",
    ),
    Violation(
        id="unowned_file",
        breach="touch /opt/violated\nchown 4242:4242 /opt/violated",
        check="stray_files",
        item="8.1.4.2.f",
        says="unowned .*/opt/violated",
        touched=("/opt/violated",),
        remedy="stray_files",
    ),
    stranger(
        "setuid_shell",
        "cp /bin/bash /opt/violated\nchmod 4755 /opt/violated",
        "/opt/violated",
        "setuid_files",
        "8.1.4.2.d",
        "/opt/violated",
    ),
    stranger(
        "setuid_find",
        "chmod u+s /usr/bin/find",
        "/usr/bin/find",
        "setuid_files",
        "8.1.4.2.d",
        "/usr/bin/find",
    ),
    stranger(
        "setuid_in_disguise",
        "mkdir /usr/lib/violated\ncp /bin/bash /usr/lib/violated/su\nchmod 4755 /usr/lib/violated/su",
        "/usr/lib/violated",
        "setuid_files",
        "8.1.4.2.d",
        "/usr/lib/violated/su",
    ),
    called("setuid_in_two_lines", r"\nsu", r"/opt/violated/\\nsu"),
    called("setuid_with_a_space", " su ", "/opt/violated/ su"),
    called("setuid_in_chinese", "更新", "/opt/violated/更新"),
    called("setuid_backwards", r"us\342\200\256", r"/opt/violated/us\\u202e"),
    called("setuid_of_no_letters", r"su\377", r"/opt/violated/su\\xff"),
    called("setuid_named_by_the_shell", "$HOME", r"/opt/violated/\$HOME"),
    # Before its line break of another kind it is called as a program that is meant.
    stranger(
        "setuid_as_if_meant",
        'f=$(printf \'/usr/bin/su\\013x\')\ncp /bin/bash "$f"\nchmod 4755 "$f"',
        "/usr/bin/su\vx",
        "setuid_files",
        "8.1.4.2.d",
        r"/usr/bin/su\\x0bx",
    ),
    stranger(
        "setuid_second_name",
        "ln /usr/bin/passwd /usr/bin/violated",
        "/usr/bin/violated",
        "setuid_files",
        "8.1.4.2.d",
        "/usr/bin/violated",
        TWO_NAMES,
    ),
    stranger(
        "setgid_stranger",
        "cp /bin/cat /usr/bin/violated\nchgrp shadow /usr/bin/violated\nchmod 2755 /usr/bin/violated",
        "/usr/bin/violated",
        "setuid_files",
        "8.1.4.2.d",
        "/usr/bin/violated",
    ),
    stranger(
        "file_capability",
        "cp /bin/cat /usr/bin/violated\nsetcap cap_dac_override+ep /usr/bin/violated",
        "/usr/bin/violated",
        "setuid_files",
        "8.1.4.2.d",
        "/usr/bin/violated",
    ),
    stranger(
        "capable_in_disguise",
        'mkdir /opt/violated\nf=$(printf \'/opt/violated/a\\nb c\')\ncp /bin/cat "$f"\nsetcap cap_setuid+ep "$f"',
        "/opt/violated",
        "setuid_files",
        "8.1.4.2.d",
        r"/opt/violated/a\\nb c",
    ),
)


def package(name: str, says: str, check: str, item: str) -> Violation:
    """A package that dpkg knows as installed."""
    entry = (
        f"\\nPackage: {name}\\nStatus: install ok installed\\nArchitecture: amd64\\n"
        "Maintainer: x <x@example.org>\\nDescription: x\\nVersion: 1-1\\n"
    )
    return Violation(
        id=f"package_{name}",
        breach=f"printf '{entry}' >> /var/lib/dpkg/status",
        check=check,
        item=item,
        says=says,
        touched=("/var/lib/dpkg/status",),
        why="whether it may go, a person says",
    )


PROGRAMS = (
    Violation(
        id="script_altered",
        breach="echo '# more' >> /usr/bin/bashbug",
        check="package_files",
        item="8.1.4.7.b",
        says="/usr/bin/bashbug",
        touched=("/usr/bin/bashbug",),
        why=PROGRAM,
    ),
    Violation(
        id="program_altered",
        breach="echo >> /usr/bin/yes",
        check="package_files",
        item="8.1.4.7.b",
        says="/usr/bin/yes",
        touched=("/usr/bin/yes",),
        why=PROGRAM,
    ),
    Violation(
        id="program_gone",
        breach="rm /usr/bin/yes",
        check="package_files",
        item="8.1.4.7.b",
        says="missing .*/usr/bin/yes",
        touched=("/usr/bin/yes",),
        why=PROGRAM,
    ),
    Violation(
        id="preloaded_library",
        breach="echo /usr/lib/violated.so > /etc/ld.so.preload",
        check="package_files",
        item="8.1.4.7.b",
        says="ld.so.preload",
        touched=("/etc/ld.so.preload",),
        why=PROGRAM,
    ),
    package("nmap", "nmap", "minimal_install", "8.1.4.4.a"),
    package("telnetd", "telnetd is installed", "plaintext_services", "8.1.4.1.c"),
    package("gcc", "developers: gcc", "dev_tools", "8.1.9.4.a"),
)

VIOLATIONS = (*MODES, *STRAY, *PROGRAMS)
