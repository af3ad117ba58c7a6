"""The storages' suite on this machine's own folder; and that it notices drivers that break a promise."""

import pytest

from appliance import chance
from appliance.host import LocalHost
from controller.drivers import storage_suite
from controller.drivers.storage import Erased
from controller.drivers.storage_dir import DirStorage
from controller.drivers.suite_bench import Nonconforming

HOST = LocalHost()


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "image.qcow2"
    HOST.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "64M"])
    HOST.run(["qemu-io", "-f", "qcow2", "-c", "write -P 0x42 0 64k", str(path)])
    return path


@pytest.mark.parametrize("promise", storage_suite.SUITE, ids=lambda p: p.__name__)
def test_a_folder_keeps_every_promise(tmp_path, image, promise):
    bench = storage_suite.Bench(DirStorage(tmp_path, HOST), HOST, image, chance.new_id())
    storage_suite.keep(promise, bench)
    assert bench.driver.volumes() == frozenset()


class Forgetful(DirStorage):
    def clone(self, volume, image, gib):
        super().erase(volume)
        super().clone(volume, image, gib)


class Careless(DirStorage):
    def erase(self, volume):
        (path := self._path(volume)).unlink(missing_ok=True)
        return Erased(volume, "unlink", 0, 0.0, verified=False) if path else None


class Shallow(DirStorage):
    def copy(self, volume, origin, tell):
        self.create(volume, 1)


class Stubborn(DirStorage):
    def roll_back(self, volume, name):
        if name not in self.snapshots(volume):
            super().roll_back(volume, name)


class Greedy(DirStorage):
    def __init__(self, root, host):
        super().__init__(root, host, ceiling=1000)


BROKEN = [
    (Forgetful, storage_suite.clones_rest_on_their_image),
    (Careless, storage_suite.erasing_is_proved),
    (Shallow, storage_suite.copies_are_independent),
    (Stubborn, storage_suite.snapshots_bring_back),
    (Greedy, storage_suite.nothing_passes_the_ceiling),
]


@pytest.mark.parametrize(("broken", "promise"), BROKEN, ids=lambda x: x.__name__)
def test_a_broken_driver_is_noticed(tmp_path, image, broken, promise):
    bench = storage_suite.Bench(broken(tmp_path, HOST), HOST, image, chance.new_id())
    with pytest.raises(Nonconforming):
        promise(bench)
