"""Where Debian packages come from: derived from this machine's own apt configuration, never written down."""

from dataclasses import dataclass

from appliance.errors import Text, Unavailable
from appliance.host import Host

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_FORMAT = "$(CREATED_BY)|$(LABEL)|$(CODENAME)|$(REPO_URI)"
_PROXIES = ("Acquire::http::Proxy", "Acquire::https::Proxy")


class NoMirror(Unavailable):
    """This machine's apt knows no Debian archive."""

    code = "images.no_mirror"
    text = Text(
        "本机 apt 未配置可用的 Debian 软件源", "This machine's apt knows no archive labelled Debian"
    )
    hint = Text(
        "请配置 Debian 软件源并运行 apt-get update。",
        "Configure a Debian archive, then run apt-get update.",
    )


@dataclass(frozen=True)
class Target:
    """One package index that apt knows."""

    label: str
    codename: str
    uri: str


def read(host: Host) -> list[Target]:
    """Ask apt on `host` for its package indexes."""
    return parse(host.run(["apt-get", "indextargets", "--format", _FORMAT]).text)


def parse(text: str) -> list[Target]:
    """Return the package indexes among the lines of `apt-get indextargets`."""
    rows = (line.split("|") for line in text.splitlines())
    return [Target(r[1], r[2], r[3]) for r in rows if len(r) == 4 and r[0] == "Packages"]


def sources(targets: list[Target], suite: str) -> list[str]:
    """Return the one-line apt sources for `suite` at the archives that `targets` name."""
    main = next((t.uri for t in targets if t.label == "Debian"), None)
    if main is None:
        raise NoMirror
    lines = [_line(main, suite), _line(main, f"{suite}-updates")]
    security = next((t.uri for t in targets if t.label == "Debian-Security"), None)
    if security is not None:
        lines.append(_line(security, f"{suite}-security"))
    return lines


def proxies(host: Host) -> list[str]:
    """Return apt options for the proxies that this machine's apt uses."""
    dump = host.run(["apt-config", "dump", "--format", '%f "%v";%n', *_PROXIES]).text
    return [line for line in dump.splitlines() if line.startswith(_PROXIES) and '""' not in line]


def _line(uri: str, suite: str) -> str:
    return f"deb [signed-by={KEYRING}] {uri} {suite} main"
