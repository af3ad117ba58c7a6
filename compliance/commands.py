"""`hbox compliance verify`: checks a signed report without the box and without a network."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import NotFound
from appliance.signing import VerifyKey
from compliance.verify import FORMS, Verified, verify

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

NOT_TRUSTED = 3  # exit code: whole, but nobody said whose key it is
BOX_KEY = Path("/var/lib/hbox/keys/report.key.pub")


def register(subparsers: "Subparsers") -> None:
    """Add `verify` to the subcommands of `hbox compliance`."""
    parser = subparsers.add_parser(
        "verify",
        help="验证已签名的报告 verify a signed report, offline",
        description="验证已签名的报告及同名的 .html、.xlsx、.pdf "
        "verify a signed report and its .html, .xlsx and .pdf of the same name, offline",
    )
    parser.add_argument("report", type=Path, help="report.json")
    parser.add_argument(
        "--key", type=Path, help="这台医盒的报告公钥 PEM (the box's public report key)"
    )
    for form in FORMS:
        parser.add_argument(
            f"--{form}",
            type=Path,
            help=f"名称不同的 {form} 文件 the {form} file, where it has another name",
        )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify, and say what was shown; exit 3 when the signer is not known."""
    paths = _beside(args)
    held = {form: _bytes(path) for form, path in paths.items()}
    page = held.pop("html", None)
    verified = verify(_bytes(args.report), _key(args.key), page, held)
    sys.stdout.write(_told(verified, paths))
    return 0 if verified.trusted else NOT_TRUSTED


def _beside(args: argparse.Namespace) -> dict[str, Path]:
    """Return the report's other files: those named, and those that lie beside it under its name."""
    found = {}
    for form in FORMS:
        path = args.report.with_suffix(f".{form}")
        if getattr(args, form) is not None:
            found[form] = getattr(args, form)
        elif path.exists():
            found[form] = path
    return found


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


def _told(verified: Verified, paths: dict[str, Path]) -> str:
    lines = [
        f"报告完整 The report is whole: {verified.site} {verified.started}",
        f"  sha256 {verified.digest}",
        f"  {verified.evidence} 份证据摘要全部相符 pieces of evidence recomputed; {verified.findings} findings",
    ]
    for form in verified.beside:
        word = "网页 page" if form == "html" else form
        lines.append(f"  {word} 与签名相符 is the signed one: {paths[form]}")
    if verified.trusted:
        lines.append(f"  签署者相符 signed with the given key {verified.key}")
    else:
        lines.append(f"  签署者未核实 SIGNER NOT VERIFIED: {verified.key}; use --key")
    return "\n".join(lines) + "\n"
