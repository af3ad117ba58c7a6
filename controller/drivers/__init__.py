"""Small drivers over existing engines; workers ask for abilities, never for names."""

from controller.drivers.base import HypervisorDriver
from controller.drivers.kvm import KvmDriver
from controller.drivers.storage import StorageDriver
from controller.drivers.storage_dir import DirStorage
from controller.drivers.storage_rbd import RbdStorage

HYPERVISORS: dict[str, type[HypervisorDriver]] = {"kvm": KvmDriver}
STORAGES: dict[str, type[StorageDriver]] = {"dir": DirStorage, "rbd": RbdStorage}
"""Every driver there is, by name. Each hypervisor passes `drivers/suite.py`; a new one is added here."""
