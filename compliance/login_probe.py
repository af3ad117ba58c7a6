"""Tries the ways into a node for real: a new SSH log-in, and a log-in of a made-up person through PAM.

    python -I -m compliance.login_probe ssh
    unshare --mount --propagation private python -I -m compliance.login_probe pam

Prints JSON: {way: ""} for each that works, {way: why} for each that does not. It leaves nothing behind:
the SSH key holds for two minutes and one command only, and the person exists in a mount namespace of
its own, beside the node's real PAM stack.
"""

import contextlib
import datetime as dt
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from appliance import chance, clock
from appliance.errors import BoxError
from appliance.host import LocalHost
from compliance import pam

MARK = "hbox-login-probe"
SERVICES = ("sshd", "login", "sudo")
REFUSES = " refuses"  # ends the name of a way that is no way in: a wrong password is kept out
PERSON = "hbox-probe"
_KEYS = Path("/root/.ssh/authorized_keys")
_HOST_KEYS = Path("/etc/ssh")
_HOLDS = dt.timedelta(minutes=2)
_PATIENCE = 20.0  # seconds


def main(arguments: list[str] | None = None) -> int:
    """Try the ways that the command line names."""
    words = sys.argv[1:] if arguments is None else arguments
    found = ssh() if words == ["ssh"] else by_password()
    json.dump(found, sys.stdout)
    return 0


def ssh() -> dict[str, str]:
    """Log in over the network as Ansible does, by a key made for this; also let sshd read its settings."""
    host = LocalHost()
    told = host.run(["sshd", "-t"], check=False, timeout=_PATIENCE)
    ways = {"sshd -t": "" if told.code == 0 else told.err.decode("utf-8", "replace")[:300]}
    if told.code != 0:
        return {**ways, "ssh": "sshd -t"}
    with tempfile.TemporaryDirectory(dir="/run", prefix=MARK) as folder, _key(Path(folder)):
        address, port = door(host.run(["sshd", "-T"], timeout=_PATIENCE).text)
        known = [p.read_text() for p in sorted(_HOST_KEYS.glob("ssh_host_*_key.pub"))]
        hosts = Path(folder) / "known_hosts"
        shown = address if port == "22" else f"[{address}]:{port}"
        hosts.write_text("".join(f"{shown} {line.strip()}\n" for line in known))
        options = (
            "BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes",
            f"UserKnownHostsFile={hosts}", "GlobalKnownHostsFile=/dev/null", "ConnectTimeout=5",
        )  # fmt: skip
        words = [word for option in options for word in ("-o", option)]
        argv = ["ssh", "-F", "none", "-i", f"{folder}/key", "-p", port, *words, f"root@{address}"]
        try:
            done = host.run([*argv, "true"], check=False, timeout=_PATIENCE)
        except BoxError as error:
            return {**ways, "ssh": str(error)}
    said = done.err.decode("utf-8", "replace").strip()
    return {
        **ways,
        "ssh": "" if done.code == 0 and MARK in done.text else (said or "refused")[-300:],
    }


def door(settings: str) -> tuple[str, str]:
    """Return address and port at which this node's own sshd is reached, from `sshd -T`. Pure."""
    lines = [line.split() for line in settings.splitlines() if line.startswith("listenaddress ")]
    found = lines[0][1] if lines else "0.0.0.0:22"
    address, _, port = found.rpartition(":")
    everywhere = {"0.0.0.0": "127.0.0.1", "[::]": "::1", "": "127.0.0.1"}
    return everywhere.get(address, address.strip("[]")), port


def without_marked(text: str) -> str:
    """Return an authorized_keys file without the lines that a probe left behind. Pure."""
    return "".join(line for line in text.splitlines(keepends=True) if MARK not in line)


@contextlib.contextmanager
def _key(folder: Path) -> Iterator[None]:
    """Let a new key in while this lasts; cut off, it ends by itself."""
    LocalHost().run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", MARK, "-f", str(folder / "key")]
    )
    until = (clock.now() + _HOLDS).strftime("%Y%m%d%H%M%SZ")
    public = (folder / "key.pub").read_text().strip()
    line = f'restrict,expiry-time="{until}",command="echo {MARK}" {public}\n'
    _KEYS.parent.mkdir(mode=0o700, exist_ok=True)
    keys = _KEYS.resolve()  # a link stays one
    new = not keys.exists()
    mode = 0o600 if new else keys.stat().st_mode & 0o7777
    kept = _others(keys)
    host = LocalHost()
    try:
        whole = kept + ("" if kept.endswith("\n") or not kept else "\n") + line
        host.write(str(keys), whole.encode("utf-8", "surrogateescape"), mode=mode)
        yield
    finally:
        # Read anew: somebody's key may have come or gone meanwhile, and must not come back.
        now = _others(keys)
        if now == f"{kept}\n":
            now = kept  # the line end was ours too
        if new and not now:
            keys.unlink(missing_ok=True)
        else:
            host.write(str(keys), now.encode("utf-8", "surrogateescape"), mode=mode)


def _others(keys: Path) -> str:
    """Return the keys that no probe left there; a comment need not be UTF-8."""
    held = keys.read_bytes() if keys.exists() else b""
    return without_marked(held.decode("utf-8", "surrogateescape"))


def by_password() -> dict[str, str]:
    """Log a made-up person in through each service's PAM stack, with the right password and a wrong one."""
    password = chance.token(18)
    with tempfile.TemporaryDirectory(dir="/run", prefix=MARK) as folder:
        _person(Path(folder), password)
        services = [name for name in SERVICES if Path("/etc/pam.d", name).exists()]
        found = {}
        for name in services:
            found[f"pam {name}"] = pam.login(name, PERSON, password)
            refused = pam.login(name, PERSON, password + "x")
            found[f"pam {name}{REFUSES}"] = "" if refused else "a wrong password was let in"
        _unmount()
    return found


def _person(folder: Path, password: str) -> None:
    """Lay a passwd and a shadow with one more person over the node's, in this mount namespace alone."""
    own, first = (Path(f"/proc/{who}/ns/mnt").stat().st_ino for who in ("self", "1"))
    if own == first:
        raise RuntimeError("not in a mount namespace of its own")
    today = clock.now().date().toordinal() - dt.date(1970, 1, 1).toordinal()
    lines = {
        "passwd": f"{PERSON}:x:65530:65530::/:/bin/sh\n",
        "shadow": f"{PERSON}:{pam.hashed(password)}:{today}:0:99999:7:::\n",
    }
    for name, line in lines.items():
        shutil.copy2(f"/etc/{name}", folder / name)
        held = Path(f"/etc/{name}").stat()
        os.chown(folder / name, held.st_uid, held.st_gid)
        with (folder / name).open("a") as file:
            file.write(line)
        LocalHost().run(["mount", "--bind", str(folder / name), f"/etc/{name}"])
    Path("/run/faillock").mkdir(exist_ok=True)
    LocalHost().run(["mount", "-t", "tmpfs", "tmpfs", "/run/faillock"])


def _unmount() -> None:
    for place in ("/run/faillock", "/etc/shadow", "/etc/passwd"):
        LocalHost().run(["umount", "-l", place], check=False)


if __name__ == "__main__":
    sys.exit(main())
