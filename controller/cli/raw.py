"""`hbox raw METHOD PATH`: any call of the API, as it is."""

import argparse
import sys
from typing import Any

from appliance import chance
from controller.cli.form import Verbs, box, command


def register(top: "Verbs[Any]") -> None:
    """Add `hbox raw`."""
    made = command(top, "raw", "直接调用接口 call the API as it is", _raw)
    made.add_argument("method", choices=("GET", "POST", "DELETE"))
    made.add_argument("path", help="/api/v1/…")
    made.add_argument("--body", help="JSON")
    made.add_argument("--key", help="Idempotency-Key; 默认随机 default: a fresh one")


def _raw(args: argparse.Namespace) -> None:
    headers = {"Idempotency-Key": args.key or chance.new_id()} if args.method != "GET" else {}
    data = args.body.encode() if args.body is not None else None
    if data is not None:
        headers["Content-Type"] = "application/json"
    reply = box(args).ask(args.method, args.path, data, headers)
    sys.stdout.write(reply.data.decode("utf-8", "replace").rstrip() + "\n")
