"""Remedies of a node's own system: accounts, log-in, SSH, files, logs, guards."""

from appliance.errors import Text
from compliance.needless import PLAINTEXT_UNITS, UNNEEDED_UNITS
from compliance.remedies.model import MADE, Lockout, Remedy

ACCOUNTS = (
    "/etc/passwd", "/etc/passwd-", "/etc/shadow", "/etc/shadow-",
    "/etc/group", "/etc/group-", "/etc/gshadow", "/etc/gshadow-",
)  # fmt: skip
# What decides about everything else, as the role files has it.
_GUARDED = (
    *ACCOUNTS, "/etc/sudoers", "/etc/sudoers.d", "/etc/pam.d", "/etc/security", "/etc/crontab",
    "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly",
    "/etc/audit", "/etc/audit/rules.d", "/var/log", "/root",
)  # fmt: skip
_PAM = ("/etc/pam.d/**", "/etc/security/**", "/usr/share/pam-configs/*", "/var/lib/pam/*")
_SSHD = ("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/**")
# The kernel's switches as the role base sets them: a test holds this list against the role's.
SWITCHES = (
    "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.all.accept_redirects", "net.ipv4.conf.default.accept_redirects",
    "net.ipv6.conf.all.accept_redirects", "net.ipv6.conf.default.accept_redirects",
    "net.ipv4.conf.all.send_redirects", "net.ipv4.conf.default.send_redirects",
    "net.ipv4.conf.all.accept_source_route", "net.ipv4.tcp_syncookies", "kernel.dmesg_restrict",
    "kernel.kptr_restrict", "kernel.randomize_va_space", "fs.protected_hardlinks",
    "fs.protected_symlinks", "fs.suid_dumpable",
)  # fmt: skip
# Those that it sets on every interface that there is.
ON_EACH = (
    "net.ipv4.conf.*.accept_redirects", "net.ipv4.conf.*.send_redirects",
    "net.ipv6.conf.*.accept_redirects",
)  # fmt: skip
SYSCTL = (
    "/etc/sysctl.conf",
    "/etc/sysctl.d/**",
    *(f"/proc/sys/{name.replace('.', '/')}" for name in (*SWITCHES, *ON_EACH)),
)

HOST: tuple[Remedy, ...] = (
    Remedy(
        "accounts",
        ("accounts",),
        Text("锁定空口令账户和多余的 uid 0 账户", "Lock accounts without a password or with uid 0"),
        ACCOUNTS,
        quiet=False,
    ),
    Remedy(
        "default_accounts",
        ("default_accounts",),
        Text("锁定默认账户", "Lock the default accounts"),
        ACCOUNTS,
        quiet=False,
    ),
    Remedy(
        "shells",
        ("shells",),
        Text("系统账户改为不可登录", "No system account has a shell to log in with"),
        ACCOUNTS,
        quiet=False,
    ),
    Remedy(
        "password_policy",
        ("password_policy",),
        Text("口令长度、复杂度与更换周期", "Length, classes and age of passwords"),
        (*_PAM, *ACCOUNTS, "/etc/login.defs", "/etc/security/pwquality.conf"),
        lockout=Lockout.PAM,
    ),
    Remedy(
        "faillock",
        ("faillock",),
        Text("登录失败锁定（pam_faillock）", "Failed log-ins lock the account (pam_faillock)"),
        _PAM,
        lockout=Lockout.PAM,
    ),
    Remedy(
        "umask",
        ("umask",),
        Text("新建文件默认权限 027", "New files are closed to others (027)"),
        ("/etc/login.defs", *_PAM, "/etc/profile.d/*"),
        lockout=Lockout.PAM,
    ),
    Remedy(
        "sshd_limits",
        ("sshd_limits",),
        Text("SSH 登录失败与超时限制", "SSH's limits of tries, time and dead sessions"),
        _SSHD,
        ("ssh.service",),
        lockout=Lockout.SSH,
    ),
    Remedy(
        "sshd_crypto",
        ("sshd_crypto",),
        Text("SSH 只用强算法", "SSH uses strong algorithms only"),
        _SSHD,
        ("ssh.service",),
        lockout=Lockout.SSH,
    ),
    Remedy(
        "shell_timeout",
        ("shell_timeout",),
        Text("终端空闲 10 分钟退出", "An idle shell ends after ten minutes"),
        ("/etc/profile.d/*", "/etc/profile", "/etc/bash.bashrc"),
    ),
    Remedy(
        "plaintext_services",
        ("plaintext_services",),
        Text("停用并屏蔽明文远程服务", "Plain-text remote services are stopped and masked"),
        (
            "/etc/systemd/system/**",
            "/etc/hosts.equiv",
            "/etc/ssh/shosts.equiv",
            "/root/.rhosts",
            "/root/.shosts",
            "/home/*/.rhosts",
            "/home/*/.shosts",
        ),
        PLAINTEXT_UNITS,
        quiet=False,
    ),
    Remedy(
        "unneeded_units",
        ("unneeded_units",),
        Text("停用并屏蔽不需要的服务", "Services of no use are stopped and masked"),
        ("/etc/systemd/system/**",),
        UNNEEDED_UNITS,
        quiet=False,
    ),
    Remedy(
        "file_modes",
        ("file_modes",),
        Text("账户文件与私钥的属主和权限", "Owner and mode of account files and private keys"),
        (
            *(f"modes:{path}" for path in _GUARDED),
            "modes:/etc/ssh/**",
            "modes:/var/lib/hbox/keys/**",
            "modes:/var/lib/hbox/tls/**",
        ),
    ),
    Remedy(
        "stray_files",
        ("stray_files",),
        Text("收回任何人可写的权限", "Files open to everybody's writing are closed"),
        ("open:/",),
        quiet=False,
    ),
    Remedy(
        "setuid_files",
        ("setuid_files",),
        Text(
            "清单以外的程序去掉 setuid/setgid 与文件权能",
            "Programs outside the list lose setuid, setgid and capabilities",
        ),
        ("open:/",),
        quiet=False,
    ),
    Remedy(
        "sudo_rules",
        ("sudo_rules",),
        Text(
            "提权规则只含确切命令且须口令，清空 sudo 组",
            "Rules for becoming root name exact commands or ask a password; group sudo is emptied",
        ),
        ("/etc/sudoers", "/etc/sudoers.d/**", *ACCOUNTS),
        quiet=False,
    ),
    Remedy(
        "auditd",
        ("auditd",),
        Text("启用审计并装载规则", "The audit daemon runs with its rules"),
        ("/etc/audit/**", "/etc/default/auditd"),
        ("auditd.service", "audit-rules.service"),
    ),
    Remedy(
        "audit_locked",
        ("audit_locked",),
        Text("审计规则锁定，重启前不可更改", "The audit rules are locked until a restart"),
        ("/etc/audit/**",),
        quiet=False,
    ),
    Remedy(
        "log_retention",
        ("log_retention",),
        Text("日志落盘并留存半年以上", "Logs are on disk and kept over half a year"),
        (
            "/etc/systemd/journald.conf",
            "/etc/systemd/journald.conf.d/**",
            "modes:/var/log/journal/**",
            "modes:/var/log/audit/**",
        ),
        ("systemd-journald.service",),
    ),
    Remedy(
        "log_forwarding",
        ("log_forwarding",),
        Text("日志经 TLS 集中收集", "Logs are collected centrally over TLS"),
        ("/etc/rsyslog.conf", "/etc/rsyslog.d/**", "/etc/pki", "/etc/pki/hbox-log/**"),
        ("rsyslog.service",),
    ),
    Remedy(
        "time_sync",
        ("time_sync",),
        Text("时钟同步（chrony）", "The clock is kept (chrony)"),
        ("/etc/chrony/**", "/etc/default/chrony"),
        ("chrony.service",),
    ),
    Remedy(
        "antimalware",
        ("antimalware",),
        Text("恶意代码防范（ClamAV）", "Protection against malware (ClamAV)"),
        ("/etc/clamav/**", "/var/lib/hbox/signatures/hbox.ndb"),
        ("hbox-clamd.service",),
    ),
    Remedy(
        "file_integrity",
        ("file_integrity",),
        Text("文件完整性监测（AIDE）", "File integrity is watched (AIDE)"),
        (
            "/etc/aide/**",
            "/etc/default/aide",
            f"{MADE}hbox-files-baseline.service:/var/lib/aide/aide.db*",
        ),
        ("dailyaidecheck.timer",),
    ),
    Remedy(
        "usb_storage",
        ("usb_storage",),
        Text("禁用并卸载 USB 存储驱动", "The driver of USB storage is refused and taken out"),
        ("/etc/modprobe.d/**",),
    ),
    Remedy(
        "core_dumps",
        ("core_dumps",),
        Text("特权程序不转储内存", "No core dumps of privileged programs"),
        (
            *SYSCTL,
            "/proc/sys/kernel/core_pattern",
            "/etc/security/limits.d/*",
            "/etc/systemd/coredump.conf.d/**",
        ),
    ),
    Remedy(
        "kernel_switches",
        ("kernel_switches",),
        Text("内核安全参数", "Kernel switches of the baseline"),
        SYSCTL,
    ),
    Remedy(
        "apparmor",
        ("apparmor",),
        Text("启用强制访问控制（AppArmor）", "Mandatory access control is on (AppArmor)"),
        ("/etc/apparmor.d/**", "/etc/apparmor/**"),
        ("apparmor.service",),
    ),
)
