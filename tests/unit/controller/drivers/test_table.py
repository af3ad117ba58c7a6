"""A driver that is not in the table is a driver that nobody can choose."""

import importlib
import pkgutil

from controller import drivers
from controller.drivers import HYPERVISORS, STORAGES

NOT_FOR_BOXES = {"FakeHypervisor"}


def test_every_driver_stands_in_the_table_under_its_name():
    found = {}
    for info in pkgutil.iter_modules(drivers.__path__):
        module = importlib.import_module(f"controller.drivers.{info.name}")
        for thing in vars(module).values():
            own = isinstance(thing, type) and thing.__module__ == module.__name__
            if own and isinstance(vars(thing).get("abilities"), frozenset):
                found[thing.__name__] = thing.name
    listed = {made.__name__: name for name, made in {**HYPERVISORS, **STORAGES}.items()}
    assert found.keys() - NOT_FOR_BOXES == listed.keys(), "add it to controller/drivers/__init__.py"
    assert {name: found[name] for name in listed} == listed
