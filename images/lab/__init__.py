"""The lab: one or several nodes of the very box, as systemd-nspawn machines on this machine.

lab = images.lab.up(name="hbox", nodes=1)
lab.nodes[0].run(["hostname"])
lab.down()
"""

from images.lab.life import Lab, find, known, up
from images.lab.ssh import LabNode, NodeUnreachable

__all__ = ["Lab", "LabNode", "NodeUnreachable", "find", "known", "up"]
