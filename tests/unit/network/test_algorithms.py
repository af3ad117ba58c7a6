"""The inventory of algorithms: complete, tried at work, and honest about what is not there."""

import socket
import ssl
import threading
from dataclasses import replace

import pytest

from appliance.ca import Authority
from appliance.host import Result
from network.gateway import algorithms, certificates, suites
from network.gateway.algorithms import Places, agreed_by, inventory
from network.gateway.suites import Contexts, NoIdentity, NotAssured
from tests.unit.network.handshaking import made

SSHD = b"port 22\nciphers aes256-gcm@openssh.com\nmacs hmac-sha2-256-etm@openssh.com\nkexalgorithms sntrup761x25519-sha512\nhostkeyalgorithms ssh-ed25519\n"


class SshHost:
    """Answers as a box with sshd does."""

    def run(self, argv, **_):
        if argv[0] == "sshd":
            return Result(tuple(argv), 0, SSHD, b"")
        return Result(tuple(argv), 0, b"", b"OpenSSH_10.0p2 Debian-7, OpenSSL 3.5.1\n")


@pytest.fixture
def places(tmp_path):
    authority = Authority(tmp_path / "tls/ca.crt", tmp_path / "keys/ca.key")
    authority.ensure("测试医院")
    authority.issue(tmp_path / "tls/server.crt", tmp_path / "tls/server.key", names=["x"], site="s")
    certificates.ensure(tmp_path / "keys", authority, "测试医院")
    return Places(tmp_path / "keys", tmp_path / "tls", host=SshHost(), passwords="m=19456,t=2,p=1")


def by(uses):
    return {use.purpose.zh: use for use in uses}


def test_everything_that_can_be_tried_was_tried(places):
    found = by(inventory(places))
    assert {use.seen for use in found.values()} == {"tried", "read", "stated"}
    edge = found["网关两侧国密 TLS（front）"]
    assert (edge.algorithm, edge.seen, edge.national) == (
        "TLSv1.3 TLS_SM4_GCM_SM3 curveSM2", "tried", True,
    )  # fmt: skip
    assert found["网关两侧 TLS（back）"].algorithm.endswith("X25519MLKEM768")
    assert "OpenSSL" in edge.library
    assert found["交换日志的散列链、报文指纹"].algorithm == "SM3"
    assert found["交换日志中报文的存储加密"].seen == "tried"
    assert found["医盒国密证书机构"].algorithm == "SM2 with SM3"
    assert found["控制台证书"].algorithm == "ECDSA P-256 with SHA-256"
    assert found["管理 SSH：加密"].algorithm == "aes256-gcm@openssh.com"
    assert found["口令存储"].detail == "m=19456,t=2,p=1"
    assert all(use.purpose.en and use.standard for use in found.values())


def test_what_is_not_there_is_said(tmp_path):
    class Bare:
        def run(self, argv, **_):
            raise algorithms.certificates.CertificatesUnread(why="no sshd")

    found = by(inventory(Places(tmp_path, tmp_path, ("127.0.0.1", 1), host=Bare())))
    absent = {name for name, use in found.items() if use.seen == "absent"}
    assert absent == {
        "网关两侧国密 TLS（front）", "网关两侧国密 TLS（back）", "网关两侧 TLS（front）", "网关两侧 TLS（back）",
        "医盒证书机构", "控制台证书", "医盒国密证书机构", "控制台 HTTPS", "管理 SSH",
    }  # fmt: skip


@pytest.mark.parametrize("wrong", ["_SM3_ABC", "_SM4_GAVE"])
def test_an_algorithm_that_gives_another_answer_is_not_counted(places, monkeypatch, wrong):
    monkeypatch.setattr(algorithms, wrong, "00")
    assert [u.algorithm for u in inventory(places) if u.seen == "absent"] in (["SM3"], ["SM4-GCM"])


def test_the_trial_handshake_demands_what_the_edges_demand(tmp_path, monkeypatch):
    contexts = Contexts(made(tmp_path))
    lax = replace(suites.SUITES["sm"], groups=("X25519MLKEM768", "curveSM2"))
    with monkeypatch.context() as patched:
        patched.setitem(suites.SUITES, "sm", lax)
        contexts.calling("sm", pinned=True)
        contexts.accepting("sm", client_cert=True)
    with pytest.raises(NotAssured, match="X25519MLKEM768"):
        agreed_by(contexts, "sm")
    with pytest.raises(NoIdentity):
        agreed_by(Contexts({}), "sm")


def test_the_console_is_asked_what_it_agrees_to(places, tmp_path):
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(places.tls / "server.crt", places.tls / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            plain, _ = listening.accept()
            with plain, serving.wrap_socket(plain, server_side=True):
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        asked = replace(places, console=listening.getsockname())
        found = by(inventory(asked))["控制台 HTTPS"]
        thread.join()
    assert found.algorithm.startswith("TLSv1.3 TLS_AES")
