"""Deploying the sample hospital: trust, machines, modules, approval; what is there already is left."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from appliance.progress import Progress
from appliance.sdk import bundle
from appliance.sdk.commands import LIMIT
from appliance.signing import SigningKey
from images.cache import Cache
from images.sample.bundles import packed
from images.sample.desk import SECURITY, SYSTEM, Desk
from images.sample.parts import PARTS, VENDOR, Part


def deploy(desk: Desk, folder: Path, cache: Cache, progress: Progress) -> None:
    """Bring the sample hospital to running; `folder` keeps the demo vendor's key (0600)."""
    key = SigningKey.load_or_new(folder / "vendor.key")
    desk.settle()
    with progress.step(
        "sample.pack", "打包并签名示范模块", "packing and signing the sample modules"
    ):
        files = {part: _signed(part, key, folder, cache) for part in PARTS}
    with progress.step("sample.vms", "创建两台虚拟机", "creating two virtual machines"):
        _each(lambda part: _machine(desk, part))
    with progress.step("sample.trust", "信任示范厂商的密钥", "trusting the demo vendor's key"):
        _trust(desk, key)
    with progress.step("sample.install", "安装两个模块", "installing two modules"):
        _each(lambda part: _install(desk, part, files[part]))
    with progress.step("sample.approve", "批准模块的数据流", "approving the modules' flows"):
        for part in PARTS:
            _approve(desk, part)


def _signed(part: Part, key: SigningKey, folder: Path, cache: Cache) -> Path:
    """Sign a copy with this lab's own key, which no cache ever sees."""
    file = packed(part, cache)
    target = folder / file.name
    target.write_bytes(file.read_bytes())
    bundle.sign(target, key, LIMIT)
    return target


def _machine(desk: Desk, part: Part) -> None:
    known = desk.names("vm", "list")
    if part.vm not in known:
        desk.tell(SYSTEM, "vm", "create", part.vm, "--zone", part.zone)
    elif known[part.vm]["actual"] != "running":
        desk.tell(SYSTEM, "vm", "start", part.vm)


def _install(desk: Desk, part: Part, file: Path) -> None:
    known = desk.names("module", "list")
    if known.get(part.module, {}).get("state") == "running":
        return
    path = desk.give(SYSTEM, file.name, file.read_bytes())
    desk.tell(SYSTEM, "module", "install", path, "--vm", part.vm)


def _approve(desk: Desk, part: Part) -> None:
    if desk.names("module", "list")[part.module]["approved_by"] is None:
        desk.tell(SECURITY, "module", "approve", part.module)


def _trust(desk: Desk, key: SigningKey) -> None:
    known = {held["fingerprint"] for held in desk.ask(SECURITY, "module", "keys")}
    if key.public.fingerprint not in known:
        public = desk.give(SECURITY, "vendor.pub", key.public.pem)
        ids = ",".join(part.module for part in PARTS)
        desk.tell(SECURITY, "module", "trust", VENDOR, "--key", public, "--ids", ids)


def _each(work: Callable[[Part], None]) -> None:
    """Do it for all parts at once: on a slow machine two machines boot in little more than one's time."""
    with ThreadPoolExecutor(len(PARTS)) as pool:
        list(pool.map(work, PARTS))
