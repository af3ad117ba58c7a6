"""Violations of how people get in: SSH, PAM, password rules, accounts, sudo."""

from collections.abc import Mapping

from tests.violations.violation import Violation

DROP_IN = "/etc/ssh/sshd_config.d/00-violated.conf"
FRESH = "20700"  # days since 1970: a password changed lately
PERSON = "whose account it is, and whether it is needed, a person says"


def sshd(
    name: str,
    line: str,
    says: str,
    check: str = "sshd_limits",
    item: str = "8.1.4.1.b",
    also: Mapping[str, str] | None = None,
) -> Violation:
    """A drop-in that sshd reads before the box's own."""
    return Violation(
        id=f"sshd_{name}",
        breach=f"printf '%s\\n' '{line}' > {DROP_IN}",
        check=check,
        item=item,
        says=says,
        touched=(DROP_IN,),
        also=also or {},
        remedy=check,
    )


def edited(  # noqa: PLR0917 - a table's columns
    name: str, script: str, path: str, check: str, item: str, says: str, remedy: str = ""
) -> Violation:
    """One file changed in place, by sed or by what is appended."""
    return Violation(
        id=name,
        breach=script,
        check=check,
        item=item,
        says=says,
        touched=(path,),
        remedy=remedy or check,
    )


def account(
    name: str, passwd: str, shadow: str, check: str, item: str, says: str, **more: object
) -> Violation:
    """Lines that somebody wrote into the account files by hand."""
    return Violation(
        id=name,
        breach=f"printf '%s\\n' {passwd} >> /etc/passwd\nprintf '%s\\n' {shadow} >> /etc/shadow",
        check=check,
        item=item,
        says=says,
        touched=("/etc/passwd", "/etc/shadow"),
        **({"remedy": check} | more if "why" not in more else more),  # type: ignore[arg-type]
    )


HASH = "$6$violated$" + "x" * 86  # of the right form; no password gives it

LISTED = {"algorithms": "the box's own inventory of algorithms names it"}

SSHD = (
    sshd("tries", "MaxAuthTries 10", "MaxAuthTries"),
    sshd("empty_passwords", "PermitEmptyPasswords yes", "empty passwords"),
    sshd("root_by_password", "PermitRootLogin yes", "root may log in"),
    sshd("no_grace_limit", "LoginGraceTime 0", "LoginGraceTime"),
    sshd("dead_sessions", "ClientAliveInterval 0", "dead sessions"),
    sshd("weak_cipher", "Ciphers +aes128-cbc", "aes128-cbc", "sshd_crypto", "8.1.4.1.c"),
    sshd("weak_mac", "MACs +hmac-md5", "hmac-md5", "sshd_crypto", "8.1.4.1.c", LISTED),
    sshd(
        "weak_exchange",
        "KexAlgorithms +diffie-hellman-group14-sha1",
        "group14-sha1",
        "sshd_crypto",
        "8.1.4.1.c",
        LISTED,
    ),
    sshd(
        "weak_host_key",
        "HostKeyAlgorithms +ssh-rsa",
        "ssh-rsa",
        "sshd_crypto",
        "8.1.4.1.c",
    ),
    sshd(
        "weak_signature",
        "PubkeyAcceptedAlgorithms +ssh-rsa",
        "pubkeyacceptedalgorithms offers weak ssh-rsa",
        "sshd_crypto",
        "8.1.4.1.c",
    ),
    edited(
        "sshd_main_exception",
        "printf 'Match User root\\n    PermitEmptyPasswords yes # so\\n' >> /etc/ssh/sshd_config",
        "/etc/ssh/sshd_config",
        "sshd_limits",
        "8.1.4.1.b",
        "Match",
    ),
    edited(
        "sshd_main_file",
        "sed -i '1i PermitRootLogin yes' /etc/ssh/sshd_config",
        "/etc/ssh/sshd_config",
        "sshd_limits",
        "8.1.4.1.b",
        "root may log in",
    ),
    Violation(
        id="sshd_match_block",
        breach="printf 'Match User root\\n    PermitRootLogin yes\\n    MaxAuthTries 20\\n' > "
        "/etc/ssh/sshd_config.d/99-violated.conf",
        check="sshd_limits",
        item="8.1.4.1.b",
        says="root may log in|Match",
        touched=("/etc/ssh/sshd_config.d/99-violated.conf",),
        remedy="sshd_limits",
    ),
)

PAM = (
    edited(
        "faillock_gone",
        # A right password still goes over what refuses: no mending is taken back to where nobody gets in.
        "sed -i -e '/pam_faillock/d' -e 's/success=3/success=1/' /etc/pam.d/common-auth",
        "/etc/pam.d/common-auth",
        "faillock",
        "8.1.4.1.b",
        "not in the PAM stack",
    ),
    edited(
        "faillock_fifty",
        "sed -i 's/^deny.*/deny = 50/' /etc/security/faillock.conf",
        "/etc/security/faillock.conf",
        "faillock",
        "8.1.4.1.b",
        "deny=50",
    ),
    edited(
        "faillock_short",
        "sed -i 's/^unlock_time.*/unlock_time = 10/' /etc/security/faillock.conf",
        "/etc/security/faillock.conf",
        "faillock",
        "8.1.4.1.b",
        "unlock_time=10",
    ),
    edited(
        "pam_lets_all_in",
        "sed -i '0,/^auth/s//auth sufficient pam_permit.so\\nauth/' /etc/pam.d/common-auth",
        "/etc/pam.d/common-auth",
        "faillock",
        "8.1.4.1.b",
        "pam_permit",
    ),
    edited(
        "password_length",
        "echo 'minlen = 4' > /etc/security/pwquality.conf.d/99-violated.conf",
        "/etc/security/pwquality.conf.d/99-violated.conf",
        "password_policy",
        "8.1.4.1.a",
        "minlen",
    ),
    edited(
        "password_classes",
        "sed -i 's/^minclass.*/minclass = 1/' /etc/security/pwquality.conf.d/60-hbox.conf",
        "/etc/security/pwquality.conf.d/60-hbox.conf",
        "password_policy",
        "8.1.4.1.a",
        "three classes",
    ),
    edited(
        "pwquality_gone",
        "sed -i '/pam_pwquality/d' /etc/pam.d/common-password",
        "/etc/pam.d/common-password",
        "password_policy",
        "8.1.4.1.a",
        "pam_pwquality is not",
    ),
    edited(
        "passwords_for_ever",
        "sed -i 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 99999/' /etc/login.defs",
        "/etc/login.defs",
        "password_policy",
        "8.1.4.1.a",
        "PASS_MAX_DAYS",
    ),
    edited(
        "umask_open",
        "sed -i 's/^UMASK.*/UMASK 022/' /etc/login.defs",
        "/etc/login.defs",
        "umask",
        "8.1.4.2.f",
        "UMASK is 022",
    ),
    edited(
        "umask_not_applied",
        "sed -i '/pam_umask/d' /etc/pam.d/common-session",
        "/etc/pam.d/common-session",
        "umask",
        "8.1.4.2.f",
        "PAM does not apply",
    ),
    edited(
        "shells_never_end",
        "rm /etc/profile.d/hbox-timeout.sh",
        "/etc/profile.d/hbox-timeout.sh",
        "shell_timeout",
        "8.1.4.1.b",
        "no TMOUT",
    ),
    edited(
        "shells_end_late",
        "sed -i 's/TMOUT=.*/TMOUT=36000/' /etc/profile.d/hbox-timeout.sh",
        "/etc/profile.d/hbox-timeout.sh",
        "shell_timeout",
        "8.1.4.1.b",
        "no TMOUT",
    ),
)

ACCOUNTS = (
    account(
        "second_root",
        "toor:x:0:0::/root:/bin/bash",
        "'toor:!:20700:0:90:7:::'",
        "accounts",
        "8.1.4.1.a",
        "share uid 0",
    ),
    account(
        "empty_password",
        "nopass:x:1501:100::/home/nopass:/bin/bash",
        "'nopass::20700:0:90:7:::'",
        "accounts",
        "8.1.4.1.a",
        "nopass has an empty password",
    ),
    account(
        "shared_uid",
        "one:x:1502:100::/:/bin/bash two:x:1502:100::/:/bin/bash",
        "'one:!:20700:0:90:7:::' 'two:!:20700:0:90:7:::'",
        "accounts",
        "8.1.4.1.a",
        "share uid 1502",
        why=PERSON,
    ),
    account(
        "double_name",
        "same:x:1503:100::/:/bin/bash same:x:1504:100::/:/bin/bash",
        "'same:!:20700:0:90:7:::'",
        "accounts",
        "8.1.4.1.a",
        "login name same",
        why=PERSON,
    ),
    account(
        "left_person",
        "left:x:1505:100::/:/usr/sbin/nologin",
        "'left:!:20700:0:90:7:::'",
        "shells",
        "8.1.4.2.c",
        "left, left without a shell",
        why=PERSON,
    ),
    account(
        "guest_account",
        "guest:x:1506:100::/:/bin/bash",
        f"'guest:{HASH}:{FRESH}:0:90:7:::'",
        "default_accounts",
        "8.1.4.2.b",
        "default account guest",
    ),
    account(
        "password_never_ends",
        "nurse:x:1507:100::/:/bin/bash",
        f"'nurse:{HASH}:{FRESH}:0:99999:7:::'",
        "password_policy",
        "8.1.4.1.a",
        "password of nurse",
    ),
    account(
        "password_of_no_days",
        "nurse:x:1508:100::/:/bin/bash",
        f"'nurse:{HASH}:{FRESH}:0:0:7:::'",
        "password_policy",
        "8.1.4.1.a",
        "password of nurse",
    ),
    Violation(
        id="root_password",
        breach=f"sed -i 's|^root:[^:]*:[^:]*:[^:]*:[^:]*:|root:{HASH}:{FRESH}:0:90:|' /etc/shadow",
        check="default_accounts",
        item="8.1.4.2.b",
        says="default account root",
        touched=("/etc/shadow",),
        remedy="default_accounts",
    ),
    Violation(
        id="program_logs_in",
        breach="sed -i '/^daemon:/s|:[^:]*$|:/bin/bash|' /etc/passwd\n"
        f"sed -i 's|^daemon:[^:]*:[^:]*:[^:]*:[^:]*:|daemon:{HASH}:{FRESH}:0:90:|' /etc/shadow",
        check="shells",
        item="8.1.4.2.c",
        says="daemon, a program's account",
        touched=("/etc/passwd", "/etc/shadow"),
        remedy="shells",
    ),
)


def sudo(name: str, line: str, says: str) -> Violation:
    """One more file under sudoers.d."""
    path = "/etc/sudoers.d/violated"
    return Violation(
        id=f"sudo_{name}",
        breach=f"printf '%s\\n' '{line}' > {path}\nchmod 440 {path}",
        check="sudo_rules",
        item="8.1.4.2.d",
        says=says,
        touched=(path,),
        remedy="sudo_rules",
    )


SUDO = (
    sudo("everything", "hbox-sys ALL=(ALL) NOPASSWD: ALL", "hbox-sys may run everything"),
    sudo("open_arguments", "hbox-aud ALL=(root) NOPASSWD: /usr/bin/cat *", "hbox-aud: no password"),
    sudo("no_password_at_all", "Defaults !authenticate", "authenticate"),
    sudo("no_password_for_one", "Defaults:hbox-aud env_reset, !authenticate", "authenticate"),
    sudo("group_without_password", "%sudo ALL=(ALL:ALL) NOPASSWD: ALL", "%sudo: no password"),
    sudo(
        "by_alias",
        "User_Alias STAFF = hbox-aud\nSTAFF ALL=(ALL) ALL",
        "STAFF may run everything",
    ),
    Violation(
        id="sudo_group_member",
        breach="sed -i '/^sudo:/s/$/hbox-aud/' /etc/group",
        check="sudo_rules",
        item="8.1.4.2.d",
        says="hbox-aud",
        touched=("/etc/group",),
        remedy="sudo_rules",
    ),
)

VIOLATIONS = (*SSHD, *PAM, *ACCOUNTS, *SUDO)
