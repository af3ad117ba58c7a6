"""Remedies of the hypervisor, of the boundary between the zones, and of the records' files."""

from appliance.errors import Text
from compliance.remedies.host import ACCOUNTS, SYSCTL
from compliance.remedies.model import ADDRESSES, RULES, Lockout, Remedy

_LIBVIRT = (
    "/etc/libvirt/libvirtd.conf",
    "/etc/libvirt/qemu.conf",
    "/etc/libvirt/qemu/networks/**",
    "/etc/systemd/system/**",
    *ACCOUNTS,
)
_SURICATA = ("/etc/suricata/**", "/var/lib/suricata/rules/**", "modes:/var/log/suricata/**")


def _filter(check: str, text: Text, *more: str) -> Remedy:
    """Return the remedy that lays the packet filter anew for a check.

    It is not laid while the node has an address in a zone, so that goes first.
    """
    paths = (RULES, ADDRESSES, *more)
    return Remedy(check, (check,), text, paths, ("hbox-network.service",), Lockout.NETWORK)


PLATFORM: tuple[Remedy, ...] = (
    Remedy(
        "libvirt_remote",
        ("libvirt_remote",),
        Text("虚拟化平台不对网络开放", "libvirt opens no door to the network"),
        _LIBVIRT,
        ("libvirtd.service",),
        quiet=False,
    ),
    Remedy(
        "libvirt_sockets",
        ("libvirt_sockets",),
        Text("虚拟化平台仅 root 可管理", "Only root commands libvirt"),
        _LIBVIRT,
        ("libvirtd.service",),
        quiet=False,
    ),
    Remedy(
        "migration_tls",
        ("migration_tls",),
        Text("迁移加密并双向认证", "Migration is encrypted, both ends proved"),
        _LIBVIRT,
        ("libvirtd.service",),
        quiet=False,
    ),
    Remedy(
        "volume_modes",
        ("volume_modes",),
        Text("虚机磁盘文件不对他人开放", "Disks of machines are closed to others"),
        ("modes:/var/lib/hbox/volumes/**",),
    ),
    Remedy(
        "records_modes",
        ("records_modes",),
        Text("数据库文件不对他人开放", "Files of the records are closed to others"),
        ("modes:/var/lib/hbox/db/**", "modes:/var/lib/postgresql/**"),
    ),
    Remedy(
        "intrusion_detection",
        ("intrusion_detection",),
        Text("入侵检测（Suricata）", "Intrusion detection (Suricata)"),
        _SURICATA,
        ("suricata.service",),
    ),
    Remedy(
        "behaviour",
        ("behaviour",),
        Text("网络行为分析", "Behaviour on the network is analysed"),
        _SURICATA,
        ("suricata.service",),
    ),
    Remedy(
        "exchange_scan",
        ("exchange_scan",),
        Text("交换通道的恶意代码检测", "Malware is looked for on the exchange path"),
        ("/var/lib/hbox/signatures/hbox.ndb",),
        ("hbox-clamd.service",),
    ),
    _filter(
        "management_sources",
        Text("重新下发管理终端限制", "The limits of management access are laid anew"),
    ),
    _filter("forwarding", Text("关闭区域间转发", "Nothing is forwarded between zones"), *SYSCTL),
    _filter("rule_tuples", Text("重新下发防火墙规则", "The packet filter is laid anew")),
    _filter("bound_ports", Text("重新下发接入限制", "The limits of ports are laid anew")),
    _filter(
        "zone_bridges",
        Text(
            "恢复区域网桥，去掉其上的本机地址", "The zones' bridges, without an address of the node"
        ),
    ),
    _filter("mail_closed", Text("关闭邮件通路", "The ways for mail are closed")),
)
