"""Services that a box has no use for, and those that carry passwords in plain text: by their units' names."""

UNNEEDED = (
    "avahi-daemon", "cups", "cups-browsed", "rpcbind", "nfs-server", "smbd", "nmbd", "bluetooth", "ModemManager",
    "exim4", "postfix", "snmpd", "apache2", "nginx", "xinetd", "inetd", "vsftpd", "proftpd", "telnet", "named",
    "dnsmasq", "docker", "rsync", "tftpd-hpa", "isc-dhcp-server", "wpa_supplicant",
)  # fmt: skip
PLAINTEXT = (
    "telnet.socket", "telnetd.socket", "telnetd", "inetd", "openbsd-inetd", "inetutils-inetd", "rsh.socket",
    "rlogin.socket", "rexec.socket", "tftp.socket", "tftp", "tftpd", "ftpd", "rsync", "rsync.socket", "pure-ftpd",
    "proftpd",
)  # fmt: skip
UNNEEDED_UNITS = tuple(f"{name}.{kind}" for name in UNNEEDED for kind in ("socket", "service"))
PLAINTEXT_UNITS = tuple(
    name if name.endswith(".socket") else f"{name}.service" for name in PLAINTEXT
)
