"""The vendored assets are the ones that VENDORED.md names, and nothing comes from outside."""

import hashlib
import re
from pathlib import Path

from controller import web
from controller.web.blueprint import POLICY, STATIC

TEMPLATES = Path(web.__file__).parent / "templates"


def test_every_vendored_file_is_listed_with_its_digest() -> None:
    table = (STATIC / "vendor" / "VENDORED.md").read_text()
    listed = dict(re.findall(r"^\| `(.+?)` \|.*`([0-9a-f]{64})` \|$", table, re.MULTILINE))
    vendor = STATIC / "vendor"
    there = {p.name for p in vendor.iterdir() if p.suffix in (".js", ".css")}
    there |= {f"{p.name}/" for p in vendor.iterdir() if p.is_dir()}
    assert set(listed) == there
    for name, digest in listed.items():
        path = vendor / name
        assert (of_tree(path) if path.is_dir() else of_file(path)) == digest, name


def of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of_tree(folder: Path) -> str:
    """As `sha256sum` would list the files, sorted by name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{of_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def test_every_vendored_package_has_its_licence_beside_it() -> None:
    table = (STATIC / "vendor" / "VENDORED.md").read_text()
    for licence in set(re.findall(r"\(`(.+?\.LICENSE)`\)", table)):
        assert (STATIC / "vendor" / licence).stat().st_size > 100


def test_no_template_names_an_address_outside_the_box() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text()
        assert not re.search(r"""(src|href|action)=["'](https?:)?//""", text), path.name
        assert not re.search(r"\son[a-z]+=", text), path.name
        assert "|safe" not in text.replace(" ", ""), path.name


def test_every_asset_is_served_with_its_type_and_the_strict_policy(app) -> None:
    client = app.test_client()
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    for path in STATIC.rglob("*"):
        if path.suffix not in types:
            continue
        name = path.relative_to(STATIC).as_posix()
        answer = client.get(f"/assets/{name}", base_url="https://box.test")
        assert answer.status_code == 200
        assert answer.mimetype == types[path.suffix]
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.get_data() == path.read_bytes()


def test_only_assets_are_served(app) -> None:
    client = app.test_client()
    for name in ("../blueprint.py", "%2e%2e/menu.py", "/etc/passwd", "nothing.css"):
        answer = client.get(f"/assets/{name}", base_url="https://box.test")
        assert answer.status_code == 404, name


def test_the_policy_forbids_inline_and_foreign_code() -> None:
    assert POLICY.startswith("default-src 'none'")
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
