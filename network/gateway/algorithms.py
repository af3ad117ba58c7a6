"""Every cryptographic algorithm in use on the box, seen at work where that is possible, for 密评.

What can be tried is tried when the inventory is made: a handshake of each kind with the leg's own
certificate, each algorithm against the example its standard prints. What cannot be tried from here
(another program's settings) is read from that program, or left out with the reason.
"""

import contextlib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB
from OpenSSL import SSL

from appliance import sm2
from appliance.canonical import digest
from appliance.errors import BoxError, Text
from appliance.host import Host, LocalHost
from appliance.signing import SigningKey
from network.gateway import certificates
from network.gateway.records import sm3
from network.gateway.suites import Agreed, Contexts, assure
from network.gateway.tls_line import drained

Seen = Literal["tried", "read", "stated", "absent"]
"""`tried`: it was made to work now; `read`: from a file or program of this box; `stated`: by the
code that uses it; `absent`: it should be here and is not."""


@dataclass(frozen=True)
class Use:
    """One use of cryptography. `national` says whether it is a Chinese national algorithm (国密)."""

    purpose: Text
    algorithm: str
    standard: str
    library: str
    seen: Seen
    national: bool = False
    detail: str = ""


@dataclass(frozen=True)
class Places:
    """Where to look. `console` is where the console listens; `passwords` a hash's own parameters."""

    keys: Path
    tls: Path
    console: tuple[str, int] | None = None
    passwords: str = ""
    host: Host = field(default_factory=LocalHost)


def inventory(places: Places) -> tuple[Use, ...]:
    """Return every use; it opens no connection but one to the console, if asked to."""
    return (
        *_edges(places.keys),
        *_journal(),
        *_signatures(),
        *_certificates(places),
        *_console(places.console),
        *_ssh(places.host),
        *_others(places.passwords),
    )


def _library() -> str:
    return f"cryptography {version('cryptography')} ({backend.openssl_version_text()})"


_EDGE = {
    "sm": (Text("网关两侧国密 TLS", "gateway edges, Chinese TLS"), "RFC 8998, GB/T 32918, 32905, 32907"),
    "tls": (Text("网关两侧 TLS", "gateway edges, TLS"), "RFC 8446"),
}  # fmt: skip


def _edges(keys: Path) -> Iterator[Use]:
    for leg in certificates.LEGS:
        for kind, (purpose, standard) in _EDGE.items():
            named = Text(f"{purpose.zh}（{leg}）", f"{purpose.en} ({leg})")
            library = f"pyOpenSSL {version('pyOpenSSL')}, {_library()}"
            try:
                contexts = Contexts.from_json(certificates.secrets(keys, leg))
                found = agreed_by(contexts, kind)
            except BoxError as error:
                yield Use(named, kind, standard, library, "absent", detail=error.message.en)
                continue
            suite = f"{found.version} {found.cipher} {found.group}"
            yield Use(named, suite, standard, library, "tried", kind == "sm")


def agreed_by(contexts: Contexts, kind: str) -> Agreed:
    """Make a handshake of `kind` with ourselves in memory; return what both ends agreed on.

    Raises `NoIdentity` or `NotAssured`.
    """
    asking = SSL.Connection(contexts.calling(kind, pinned=True), None)
    serving = SSL.Connection(contexts.accepting(kind, client_cert=True), None)
    asking.set_connect_state()
    serving.set_accept_state()
    for _ in range(8):
        for end, far in ((asking, serving), (serving, asking)):
            with contextlib.suppress(SSL.WantReadError):
                end.do_handshake()
            if told := drained(end):
                far.bio_write(told)
    assure(serving, kind)
    return assure(asking, kind)


# GB/T 32905-2016 annex A.1 and GB/T 32907-2016 annex A.1.
_SM3_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
_SM4_KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")
_SM4_GAVE = "681edf34d206965e86b3e94f536e4246"


def _journal() -> Iterator[Use]:
    tried: Seen = "tried" if sm3(b"abc").hex() == _SM3_ABC else "absent"
    chain = Text("交换日志的散列链、报文指纹", "chain of the exchange journal, digests of messages")
    yield Use(chain, "SM3", "GB/T 32905-2016", _library(), tried, national=True)
    block = Cipher(SM4(_SM4_KEY), ECB()).encryptor().update(_SM4_KEY)  # noqa: S305 - the standard's example
    tried = "tried" if block.hex() == _SM4_GAVE else "absent"
    rest = Text("交换日志中报文的存储加密", "message bodies at rest in the journal")
    yield Use(rest, "SM4-GCM", "GB/T 32907-2016", _library(), tried, national=True)


_SIGNED = Text(
    "签名：策略、操作令、审计封印、报告、模块包、日志头",
    "signatures: policy, orders, audit seals, reports, module bundles, journal heads",
)


def _signatures() -> Iterator[Use]:
    yield Use(_SIGNED, "Ed25519", "RFC 8032", _library(), _works(_ed25519))
    heads = Text(
        "签名：交换日志头（与 Ed25519 并用）", "signatures of journal heads, beside Ed25519"
    )
    yield Use(
        heads, "SM2 with SM3", "GB/T 32918.2-2016", sm2.library(), _works(_sm2), national=True
    )
    digests = Text("文件、镜像、审计链的散列", "digests of files and images, the audit chain")
    known = digest(b"abc").startswith("ba7816bf8f01cfea")
    yield Use(digests, "SHA-256", "FIPS 180-4", f"hashlib ({ssl.OPENSSL_VERSION})", "tried" if known else "absent")  # fmt: skip


def _works(trial: Callable[[], None]) -> Seen:
    try:
        trial()
    except BoxError:
        return "absent"
    return "tried"


def _ed25519() -> None:
    key = SigningKey.new()
    key.public.verify(key.sign(b"abc"), b"abc", what="trial")


def _sm2() -> None:
    key = sm2.Sm2Key.new()
    key.public.verify(key.sign(b"abc"), b"abc", what="trial")


_OIDS = {
    "1.2.156.10197.1.501": ("SM2 with SM3", True),
    "1.2.840.10045.4.3.2": ("ECDSA P-256 with SHA-256", False),
}


def _certificates(places: Places) -> Iterator[Use]:
    named = {
        places.tls / "ca.crt": Text("医盒证书机构", "the box's certificate authority"),
        places.tls / "server.crt": Text("控制台证书", "the console's certificate"),
        places.keys / "sm-ca.crt": Text("医盒国密证书机构", "the box's SM2 certificate authority"),
    }
    for path, purpose in named.items():
        try:
            held = x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError):
            yield Use(purpose, "X.509", "RFC 5280", "", "absent", detail=f"no {path.name}")
            continue
        oid = held.signature_algorithm_oid.dotted_string
        name, national = _OIDS.get(oid, (oid, False))
        until = f"until {held.not_valid_after_utc:%Y-%m-%d}"
        yield Use(purpose, name, "RFC 5280", _library(), "read", national, until)


def _console(address: tuple[str, int] | None) -> Iterator[Use]:
    purpose = Text("控制台 HTTPS", "console over HTTPS")
    if address is None:
        return
    asking = ssl.create_default_context()
    asking.check_hostname = False
    asking.verify_mode = ssl.CERT_NONE  # only what is agreed is looked at; nothing is sent
    try:
        with (
            socket.create_connection(address, timeout=5) as plain,
            asking.wrap_socket(plain) as line,
        ):
            agreed = f"{line.version()} {(line.cipher() or ('?',))[0]}"
    except OSError as error:
        yield Use(purpose, "TLS", "RFC 8446", ssl.OPENSSL_VERSION, "absent", detail=str(error)[:80])
        return
    yield Use(purpose, agreed, "RFC 8446", ssl.OPENSSL_VERSION, "tried")


_SSH = {
    "kexalgorithms": Text("管理 SSH：密钥协商", "management SSH: key exchange"),
    "ciphers": Text("管理 SSH：加密", "management SSH: encryption"),
    "macs": Text("管理 SSH：完整性", "management SSH: integrity"),
    "hostkeyalgorithms": Text("管理 SSH：主机密钥", "management SSH: host keys"),
}


def _ssh(host: Host) -> Iterator[Use]:
    try:
        told = host.run(["sshd", "-T"], timeout=10.0).text
        named = host.run(["ssh", "-V"], timeout=10.0).err.decode("utf-8", "replace").strip()
    except BoxError as error:
        yield Use(
            Text("管理 SSH", "management SSH"), "SSH", "RFC 4253", "", "absent",
            detail=error.message.en[:120],
        )  # fmt: skip
        return
    for setting, purpose in _SSH.items():
        said = re.search(rf"^{setting} (.*)$", told, re.MULTILINE)
        yield Use(purpose, said[1] if said else "?", "RFC 4253", named.split(",")[0], "read")


def _others(passwords: str) -> Iterator[Use]:
    yield Use(
        Text("口令存储", "stored passwords"), "Argon2id", "RFC 9106", _version("argon2-cffi"),
        "read" if passwords else "stated", detail=passwords,
    )  # fmt: skip
    yield Use(
        Text("到其他节点的 SSH", "SSH to other nodes"), "as the far sshd allows", "RFC 4253",
        _version("paramiko"), "stated",
    )  # fmt: skip
    yield Use(
        Text("随机数：密钥、令牌、编号", "random numbers: keys, tokens, ids"), "getrandom(2)",
        "Linux", "kernel", "stated",
    )  # fmt: skip


def _version(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} (absent)"
