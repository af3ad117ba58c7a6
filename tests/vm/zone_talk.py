"""Run on a box as root: two machines in the extranet, one flow, real packets; prints what came through."""

import ctypes
import json
import os
import socket
import sys
import threading
from pathlib import Path

from appliance import nic
from appliance.host import LocalHost
from network import nft
from network.apply import apply, read_flows
from network.firewall import Flow
from network.zones import PLAN, prefixed

PLANNED = prefixed(sys.argv[1]) if len(sys.argv) > 1 else PLAN
MACHINES = {"hbox-talk-a": "10.88.0.10", "hbox-talk-b": "10.88.0.200"}
FLOW = Flow("extranet", MACHINES["hbox-talk-b"], MACHINES["hbox-talk-a"], 8080, "test")
run = LocalHost().run


def inside(name, act):
    """Run `act` in a thread that has entered the namespace."""
    told = []

    def body():
        with Path(f"/run/netns/{name}").open() as file:
            assert ctypes.CDLL(None).setns(file.fileno(), 0x40000000) == 0
        told.append(act())

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    return told[0]


def plug(name, address):
    run(["ip", "netns", "add", name])
    port = ["ip", "link", "add", nic.tap(address), "type", "veth", "peer", "name", "eth0"]
    run([*port, "address", nic.mac(address), "netns", name])
    run(["ip", "link", "set", nic.tap(address), "master", PLANNED.extranet.bridge, "up"])
    run(["ip", "-n", name, "addr", "add", f"{address}/24", "dev", "eth0"])
    run(["ip", "-n", name, "link", "set", "eth0", "up"])


def talk(source, target, port, source_port=0):
    """Whether a connection can be opened and used both ways."""
    server = inside(target, lambda: socket.create_server(("", port)))

    def ask():
        with socket.socket() as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.settimeout(3)
            made.bind(("", source_port))
            try:
                made.connect((MACHINES[target], port))
                made.sendall(b"asked")
                link, _ = server.accept()
                with link:
                    link.sendall(link.recv(16))
                return made.recv(16) == b"asked"
            except OSError:
                return False

    with server:
        return inside(source, ask)


def main():
    a, b = MACHINES
    told = {"abilities": vars(nft.abilities(LocalHost()))}
    try:
        for name, address in MACHINES.items():
            plug(name, address)
        apply([FLOW], PLANNED)
        told["the flow"] = talk(b, a, 8080)
        told["another port"] = talk(b, a, 8081)
        told["the other way"] = talk(a, b, 9000)
        told["the other way from its port"] = talk(a, b, 9000, source_port=8080)
        told["the flow once more"] = talk(b, a, 8080)
        run(["ip", "-n", b, "link", "set", "eth0", "address", nic.mac("10.88.0.66")])
        told["under another MAC"] = talk(b, a, 8080)
    finally:
        for name in MACHINES:
            run(["ip", "netns", "del", name], check=False)
        apply(() if PLANNED is not PLAN else read_flows(), PLANNED)
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    os.umask(0o077)
    main()
