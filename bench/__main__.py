"""Run every bench, or those named on the command line, in one lab node."""

import importlib
import sys

from bench.figure import record

# Name on the command line -> module with `run() -> list[Figure]`.
BENCHES = {
    "gateway.http": "bench.gateway_http",
    "gateway.hl7": "bench.gateway_hl7",
    "gateway.fhir": "bench.gateway_fhir",
    "gateway.sm": "bench.gateway_sm",
    "gateway.search": "bench.gateway_search",
    "vm.create": "bench.vm_create",
    "vm.parallel": "bench.vm_parallel",
    "vm.single": "bench.vm_single",
    "vm.migration": "bench.vm_migration",
    "controller.recovery": "bench.controller_recovery",
    "controller.memory": "bench.controller_memory",
    "controller.memory1000": "bench.controller_memory1000",
    "api": "bench.api",
    "compliance.run": "bench.compliance_run",
    "compliance.box": "bench.compliance_box",
    "compliance.host": "bench.compliance_host",
    "compliance.three": "bench.compliance_three",
}


def main(names: list[str]) -> int:
    unknown = [n for n in names if n not in BENCHES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    for name in names or BENCHES:
        for figure in importlib.import_module(BENCHES[name]).run():
            record(figure)
    return 0


sys.exit(main(sys.argv[1:]))
