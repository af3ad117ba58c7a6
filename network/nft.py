"""Loading a ruleset at once, and reading back that the kernel holds just that one."""

import json
from typing import Any

from appliance.errors import Failed, Text
from appliance.host import Host
from network.firewall import TABLE, Abilities

_EMPTY_NAMESPACE = ("unshare", "--net")


class RulesetDiffers(Failed):
    """The kernel does not hold the ruleset that was wanted."""

    code = "network.ruleset_differs"
    text = Text("防火墙规则与期望不符：{why}", "The firewall is not as wanted: {why}")
    hint = Text(
        "有人或其他软件改动了规则；重新应用网络配置。",
        "Somebody or something changed it: apply the network again.",
    )


def abilities(host: Host) -> Abilities:
    """Find out what the kernel's bridge family can do, by trying in an empty namespace."""
    return Abilities(
        conntrack=_loads(host, "ct state established accept"),
        bridge_name=_loads(host, 'meta ibrname "x" accept'),
    )


def load(host: Host, text: str) -> None:
    """Replace the box's tables by those of `text`: all of it or nothing."""
    host.run(["nft", "-f", "-"], stdin=text.encode())


def check(host: Host, text: str) -> None:
    """Raise `RulesetDiffers` unless the box's tables are what `text` gives in an empty namespace."""
    script = "nft -f - && nft -j list ruleset"
    wanted = host.run([*_EMPTY_NAMESPACE, "sh", "-ec", script], stdin=text.encode()).out
    held = host.run(["nft", "-j", "list", "ruleset"]).out
    missing = differences(wanted, held)
    if missing:
        raise RulesetDiffers(why="; ".join(missing[:5]))


def differences(wanted: bytes, held: bytes) -> list[str]:
    """Return what differs between two outputs of `nft -j list ruleset`, for the box's tables."""
    first, second = _ours(wanted), _ours(held)
    found = [f"missing {line}" for line in first if line not in second]
    found += [f"unexpected {line}" for line in second if line not in first]
    return found or (["another order of rules"] if first != second else [])


def _ours(listing: bytes) -> list[str]:
    lines = []
    for item in json.loads(listing)["nftables"]:
        ((kind, body),) = item.items()
        if kind != "metainfo" and TABLE in (body.get("table"), body.get("name")):
            lines.append(json.dumps({kind: _bare(body)}, sort_keys=True, ensure_ascii=False))
    return lines


def _bare(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "handle"}


def _loads(host: Host, rule: str) -> bool:
    # One statement a line: newer nft takes no closing brace behind another one.
    chain = f"chain c {{\ntype filter hook forward priority 0;\n{rule}\n}}"
    text = f"table bridge probe {{\n{chain}\n}}\n"
    tried = host.run([*_EMPTY_NAMESPACE, "nft", "-f", "-"], stdin=text.encode(), check=False)
    return tried.code == 0
