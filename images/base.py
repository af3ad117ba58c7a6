"""The box's two base layers: Debian by its recipe, the locked Python packages by the lock."""

import shutil
from pathlib import Path

from appliance.canonical import canonical, digest
from appliance.host import Host
from appliance.progress import Progress
from images import checkout, chroot, inventory, recipe, record, root, wheels
from images.cache import Cache

DEBIAN = "box-debian"
PYTHON = "box-python"


def debian(host: Host, cache: Cache, progress: Progress, *, fresh: bool = False) -> Path:
    """Return the folder whose `root/` is the box's Debian; built if the cache has none, or `fresh`."""
    chosen = recipe.load("box")
    former = cache.latest(DEBIAN)

    def build(folder: Path) -> None:
        with progress.step("box.debian", "构建医盒基础系统", "building the box's Debian root"):
            root.make(host, chosen, folder / "root")
        packages = inventory.debian(host, folder / "root")
        record.write(folder, record.new(DEBIAN, folder.name, packages))
        record.tell_changes(former, folder)

    return cache.entry(DEBIAN, chosen.digest()[:16], build, fresh=fresh)


def python(host: Host, cache: Cache, below: Path, progress: Progress) -> Path:
    """Return the folder whose `layer/` is the venv with all locked packages, over `below`/root."""
    project, lock = checkout.text("pyproject.toml"), checkout.text("requirements.lock")
    key = digest(canonical([below.name, wheels.key(project, lock)]))[:16]
    former = cache.latest(PYTHON)

    def build(folder: Path) -> None:
        with progress.step("box.wheels", "下载并校验 Python 软件包", "fetching locked wheels"):
            wheels.download(host, project, lock, folder / "wheels")
        with progress.step("box.venv", "离线安装 Python 环境", "installing the venv offline"):
            chroot.layer(
                host, folder, (below / "root",), wheels.install_script(), source=folder / "wheels"
            )
        shutil.rmtree(folder / "wheels")
        record.write(folder, record.new(PYTHON, folder.name, installed(folder / "layer")))
        record.tell_changes(former, folder)

    return cache.entry(PYTHON, key, build)


def installed(top: Path) -> list[inventory.Package]:
    """Return the Python packages in the venv of the root or layer `top`."""
    site = f"lib/python{wheels.PYTHON}/site-packages"
    return inventory.python(top / wheels.VENV.lstrip("/") / site)
