"""Asks the box for many machines at once over its local socket, as an automation would, and waits for all jobs.

    python vm_ask.py make|drop COUNT TEMPLATE

Prints seconds from the first request to the last job's end, then how many of them did not succeed.
"""

import http.client
import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor


class Line(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/hbox/api.sock")


def ask(method: str, path: str, body: object = None) -> dict:
    line = Line("localhost", timeout=60)
    text = json.dumps(body) if body is not None else None
    line.request(
        method, "/api/v1" + path, text, {"Content-Type": "application/json"} if text else {}
    )
    answer = line.getresponse()
    said = json.loads(answer.read())
    line.close()
    assert answer.status < 300, (answer.status, said)
    return said


def main() -> None:
    verb, count, template = sys.argv[1], int(sys.argv[2]), sys.argv[3]

    def one(number: int) -> str:
        if verb == "drop":
            return ask("DELETE", f"/vms/many-{number}")["id"]
        asked = {"name": f"many-{number}", "zone": "extranet", "vcpus": 1, "memory_mib": 128,
                 "disk_gib": 2, "start": True, "template": template, "storage": "dir"}  # fmt: skip
        return ask("POST", "/vms", asked)["id"]

    began = time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        jobs = list(pool.map(one, range(count)))
    waiting, failed = set(jobs), 0
    while waiting:
        time.sleep(0.1)
        for job in list(waiting):
            state = ask("GET", f"/jobs/{job}")["state"]
            if state in ("succeeded", "failed", "refused", "cancelled"):
                waiting.discard(job)
                failed += state != "succeeded"
            else:
                break  # the oldest of those left tells enough: polling must not be what is measured
    sys.stdout.write(f"{time.monotonic() - began:.3f} {failed}\n")


main()
