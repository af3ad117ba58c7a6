"""The images that machines are made from, brought into a storage once, however many ask at the same time."""

import threading
from pathlib import Path

from appliance import clock
from controller.drivers.storage import NoSuchVolume, StorageDriver
from controller.records.cluster import Template
from controller.workers import templates
from controller.workers.site import Site
from controller.workers.template_shelf import TemplateChanged

GUEST_BASE = "guest-base"
_GOOD_FOR = 3600.0  # seconds for which a storage's copy counts as looked at

_lock = threading.Lock()
_seen: dict[tuple[str, str, str], float] = {}


def clone(
    site: Site,
    storage: StorageDriver,
    template: Template | None,
    volume: str,
    gib: int,
    *,
    node: str = "",
) -> str:
    """Make `volume` a linked clone of the template (None: the guest base); return the image's name.

    Where the storage (of `node`) does not have the image yet, it is brought in first. Raises
    `TemplateChanged` when the template, or the storage's copy, is not what was signed.
    """
    image, file, digest = GUEST_BASE, site.guest_base / "disk.qcow2", ""
    if template is not None:
        file, said = templates.fit(site, template)
        image, digest = template.id, said.digest
        _bring(storage, image, file)
        _whole(storage, node, image, file, digest)
    try:
        storage.clone(volume, image, gib)
    except NoSuchVolume:
        _bring(storage, image, file)
        storage.clone(volume, image, gib)
    return image


def _bring(storage: StorageDriver, image: str, file: Path) -> None:
    # One at a time: fifty machines from one template must not carry it over fifty times.
    with _lock:
        if image not in storage.images():
            storage.take_image(image, file, lambda _part: None)


def _whole(storage: StorageDriver, node: str, image: str, file: Path, digest: str) -> None:
    """Look at a storage's copy before it is used, at most once an hour."""
    key = (storage.name, node, digest)
    with _lock:
        if key in _seen and clock.monotonic() - _seen[key] < _GOOD_FOR:
            return
        if not storage.intact(image, file, digest):
            raise TemplateChanged(name=image, why=f"{storage.name} {node}")
        _seen[key] = clock.monotonic()
