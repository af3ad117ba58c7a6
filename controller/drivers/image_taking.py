"""Turns an examined foreign image into a qcow2 file of our own, QEMU's tools confined meanwhile."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from appliance.host import CommandFailed, CommandTimeout, Host
from controller.drivers.image import Found
from controller.drivers.image_errors import DamagedImage, ImageTooLarge, TruncatedImage

_NOBODY = 65534
_MEMORY = 2 * 1024**3  # bytes of address space
_SECONDS = 3600
_BITS = {2: "leaks"}  # exit code of `qemu-img check`: clusters that nobody uses are no harm


def confined(argv: Sequence[str], *, largest: int) -> list[str]:
    """Return `argv` as a process that owns nothing: nobody, no network, no privileges, bounded.

    `largest` is the biggest file it may write, in bytes. Without root (tests) only the bounds hold.
    """
    bounds = ["prlimit", f"--as={_MEMORY}", f"--cpu={_SECONDS}", f"--fsize={largest}", "--core=0"]
    if os.geteuid() != 0:
        return [*bounds, *argv]
    ids = [f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    drop = ["setpriv", *ids, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
    return [*bounds, "unshare", "--net", "--ipc", *drop, *argv]


def take(host: Host, path: Path, found: Found, target: Path, room: int) -> None:
    """Write what a guest would read from `path` into a fresh qcow2 at `target`.

    The folder of `target` is there and belongs to nobody's user; `room` in bytes. Raises `DamagedImage`,
    `TruncatedImage` or `ImageTooLarge`.
    """
    if found.format == "qcow2":
        _check(host, path)
    # Both layers are named: neither the format nor the protocol is guessed from content or name.
    source = f"driver={found.format},file.driver=file,file.filename={path}"
    argv = ["qemu-img", "convert", "--image-opts", source, "-O", "qcow2", str(target)]
    try:
        host.run(confined(argv, largest=room), timeout=_SECONDS)
    except CommandTimeout as error:
        raise DamagedImage(why=str(error)) from error
    except CommandFailed as error:
        why = str(error.fields.get("why", ""))[-300:]
        if (
            "File too large" in why
            or "No space left" in why
            or error.fields.get("exit") in (-25, 153)
        ):
            limit = room // 1024**3
            raise ImageTooLarge(size=-(-found.size // 1024**3), limit=limit) from error
        raise DamagedImage(why=why) from error


def _check(host: Host, path: Path) -> None:
    """Have QEMU walk all tables: nothing may point outside the file, or at the same place twice."""
    source = f"driver=qcow2,file.driver=file,file.filename={path}"
    argv = ["qemu-img", "check", "--output=json", "--image-opts", source]
    try:
        said = host.run(confined(argv, largest=0), timeout=_SECONDS, check=False)
    except CommandTimeout as error:
        raise DamagedImage(why=str(error)) from error
    try:
        report = json.loads(said.out)
    except ValueError as error:
        why = said.err.decode("utf-8", "replace")[-300:]
        raise DamagedImage(why=why or f"qemu-img check: {said.code}") from error
    end, whole = int(report.get("image-end-offset", 0)), path.stat().st_size
    # QEMU counts whole clusters, and does not write the last one out to its end.
    with path.open("rb") as file:
        cluster = 1 << int.from_bytes(file.read(24)[20:], "big")  # examined before: 9 to 21
    if end > -(-whole // cluster) * cluster:
        raise TruncatedImage(why=f"{end} > {whole}")
    if report.get("corruptions") or report.get("check-errors") or said.code not in (0, *_BITS):
        raise DamagedImage(why=f"qemu-img check: {said.code}")
