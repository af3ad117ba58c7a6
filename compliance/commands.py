"""`hbox compliance verify`: checks a signed report without the box and without a network."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import NotFound
from appliance.signing import VerifyKey
from compliance.verify import Verified, verify

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

NOT_TRUSTED = 3  # exit code: whole, but nobody said whose key it is
BOX_KEY = Path("/var/lib/hbox/keys/report.key.pub")


def register(subparsers: "Subparsers") -> None:
    """Add `verify` to the subcommands of `hbox compliance`."""
    parser = subparsers.add_parser(
        "verify", help="验证已签名的报告 verify a signed report, offline"
    )
    parser.add_argument("report", type=Path, help="report.json")
    parser.add_argument(
        "--key", type=Path, help="这台医盒的报告公钥 PEM (the box's public report key)"
    )
    parser.add_argument(
        "--html", type=Path, help="同时核对的网页报告 the page, if it is to be checked too"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify, and say what was shown; exit 3 when the signer is not known."""
    page = args.html or args.report.with_suffix(".html")
    html = _bytes(page) if args.html or page.exists() else None
    verified = verify(_bytes(args.report), _key(args.key), html)
    sys.stdout.write(_told(verified, str(page) if html is not None else ""))
    return 0 if verified.trusted else NOT_TRUSTED


def _key(given: Path | None) -> VerifyKey | None:
    if given:
        return VerifyKey.from_pem(_bytes(given))
    try:
        return VerifyKey.from_pem(BOX_KEY.read_bytes())
    except OSError:
        return None  # not on the box, or not allowed to look: the signer stays unknown


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(what="文件 file", name=path) from error


def _told(verified: Verified, page: str) -> str:
    lines = [
        f"报告完整 The report is whole: {verified.site} {verified.started}",
        f"  sha256 {verified.digest}",
        f"  {verified.evidence} 份证据摘要全部相符 pieces of evidence recomputed; {verified.findings} findings",
    ]
    if page:
        lines.append(f"  网页与签名相符 the page is the signed one: {page}")
    if verified.trusted:
        lines.append(f"  签署者相符 signed with the given key {verified.key}")
    else:
        lines.append(f"  签署者未核实 SIGNER NOT VERIFIED: {verified.key}; use --key")
    return "\n".join(lines) + "\n"
