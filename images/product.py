"""The product layer: our wheel and the files of `appliance/rootfs`, over the base; an edit costs seconds."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.canonical import canonical, digest
from appliance.host import Host
from appliance.progress import Progress
from images import checkout, chroot, recipe, record, root
from images.cache import Cache
from images.inventory import Package
from images.wheels import VENV

KIND = "box-product"
_FORMAT = 4
_EPOCH = "1735689600"  # zip entries get one date, so that equal sources give equal wheels
# What happens inside the box's root, with wheel and rootfs at /mnt.
_SCRIPT = f"""
{VENV}/bin/pip install --quiet --no-index --no-deps --no-cache-dir --disable-pip-version-check /mnt/*.whl
if [ -d /mnt/rootfs ]; then
  # Not cp: it would give folders that exist, such as /root, the modes of the checkout.
  tar -C /mnt/rootfs -cf - . | tar -C / --no-overwrite-dir --no-same-owner -xf -
fi
ln -sfn {VENV}/bin/hbox /usr/bin/hbox
systemd-sysusers
# The roles run here once instead of at every box's first boot; first boot sees the stamp.
export ANSIBLE_HOME=/tmp/ansible ANSIBLE_LOCAL_TEMP=/tmp/ansible ANSIBLE_REMOTE_TEMP=/tmp/ansible
# A third of the time: no file is written and read for every task.
export ANSIBLE_PIPELINING=1
{VENV}/bin/python - <<'END'
import subprocess, playbooks
subprocess.run(playbooks.argv("{VENV}/bin/ansible-playbook", building=True), check=True)
playbooks.STAMP.write_text(playbooks.state())
END
"""


def ensure(host: Host, cache: Cache, below: Sequence[Path], progress: Progress) -> Path:
    """Return the folder whose `layer/` is this checkout's product over the layers `below`."""
    source = checkout.digest()
    under = [path.parent.name for path in below]
    key = digest(canonical([_FORMAT, source, under]))[:16]

    def build(folder: Path) -> None:
        with progress.step("product", "构建医盒产品层", "building the product layer"):
            wheel = _stage(host, cache, folder)
            script = _SCRIPT + root.units_script(recipe.load("box"))
            chroot.layer(host, folder, below, script, source=folder / "stage")
            made = record.new(KIND, folder.name, _all_packages(below))
            parts = {"source": source, "below": " ".join(under)}
            record.write(folder, record.with_files(made, {wheel.name: wheel}, parts=parts))

    return cache.entry(KIND, key, build)


def _all_packages(below: Sequence[Path]) -> list[Package]:
    return [package for path in below for package in record.read(path.parent).packages]


def _stage(host: Host, cache: Cache, folder: Path) -> Path:
    """Build the wheel from a copy of the sources; return it (`folder`/stage/*.whl)."""
    copy = folder / "source"
    for path in checkout.files():
        target = copy / path.relative_to(checkout.TOP)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    (copy / "README.md").touch()  # the box needs none, but the build back end asks for it
    stage = folder / "stage"
    stage.mkdir()
    host.run(
        _pip(cache, "wheel", "--no-deps", "--wheel-dir", str(stage), str(copy)),
        timeout=600,
        env={"SOURCE_DATE_EPOCH": _EPOCH, **_back_end(host, cache)},
    )
    rootfs = copy / "appliance/rootfs"
    if rootfs.is_dir():
        rootfs.rename(stage / "rootfs")
    shutil.rmtree(copy)
    return next(stage.glob("*.whl"))


def _back_end(host: Host, cache: Cache) -> dict[str, str]:
    """Keep the build back end beside the cache, so that later builds need no network."""
    store = cache.folder / "build-wheels"
    if not any(store.glob("setuptools-*.whl")):
        host.run(
            _pip(cache, "download", "--no-deps", "--dest", str(store), "setuptools>=80"),
            timeout=300,
        )
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(store)}


def _pip(cache: Cache, *argv: str) -> list[str]:
    cached = f"--cache-dir={cache.folder / 'pip'}"
    return [sys.executable, "-m", "pip", argv[0], "--quiet", cached, *argv[1:]]
