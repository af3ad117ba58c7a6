"""`hbox gateway peer`: client certificates for the hospital's own systems."""

import argparse
import sys
from pathlib import Path
from typing import Any

from appliance.errors import NotFound
from controller.cli.follow import code, finish, follow
from controller.cli.form import Verbs, asking, box, group
from controller.cli.output import show

ISSUED = (("系统 peer", "name"), ("指纹 fingerprint (client_cert)", "fingerprint"))


def register(verbs: "Verbs[Any]") -> None:
    """Add the words below `hbox gateway peer`."""
    own = group(verbs, "peer", "对接系统的证书 certificates of hospital systems")
    made = asking(own, "issue", "签发客户端证书 issue a client certificate", _issue)
    made.add_argument("name", help="系统名 the system")
    made.add_argument("--address", required=True, help="IPv4 地址 address")
    made.add_argument("--tls", choices=("tls", "sm"), default="tls", help="算法 algorithms")
    made.add_argument("--request", type=Path, required=True, help="证书申请 PKCS #10, PEM")
    made.add_argument("--out", type=Path, help="证书写入何处 where the certificate goes")


def _issue(args: argparse.Namespace) -> int:
    if not args.request.is_file():
        raise NotFound(what="文件 file", name=args.request)
    here = box(args)
    body = {
        "name": args.name, "address": args.address, "tls": args.tls,
        "request": args.request.read_text("ascii", "replace"),
    }  # fmt: skip
    job = here.write("POST", "/gateway/peers", body)
    if args.no_wait:
        return finish(args, here, job)
    ended = follow(here, job["id"])
    done = code(ended)
    if args.out:
        args.out.write_text(ended["result"]["certificate"], "ascii")
        sys.stderr.write(f"已写入 written: {args.out}\n")
    elif args.format == "table":
        sys.stdout.write(ended["result"]["certificate"])
    show(ended["result"], args.format, ISSUED)
    return done
