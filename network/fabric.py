"""What one node must know of the others for the zones to span them: a small file that the worker writes."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from appliance.errors import BadInput
from appliance.files import write_atomically

FILE = Path("/var/lib/hbox/network/fabric.json")


@dataclass(frozen=True)
class Fabric:
    """This node's place among the others. `home`: the gateway and the uplinks are here.

    `address` and `peers` are addresses on the management interface; without peers the box is one node.
    """

    home: bool = True
    address: str = ""
    peers: tuple[str, ...] = ()

    @property
    def spans(self) -> bool:
        """Whether there are other nodes."""
        return bool(self.peers)


ALONE = Fabric()


def text(fabric: Fabric) -> bytes:
    """Return the file's content."""
    return (json.dumps(asdict(fabric), sort_keys=True) + "\n").encode()


def read(path: Path = FILE) -> Fabric:
    """Return what the file says; a box of one node has none; raises `BadInput`."""
    try:
        return TypeAdapter(Fabric).validate_json(path.read_bytes())
    except FileNotFoundError:
        return ALONE
    except ValidationError as error:
        raise BadInput(what=str(path), why=str(error)) from error


def write(fabric: Fabric, path: Path = FILE) -> None:
    """Replace the file."""
    write_atomically(path, text(fabric))
