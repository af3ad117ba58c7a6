"""The process that makes one form: a report's JSON on standard input, the file on standard output.

    python -I -m compliance.exports.process xlsx|pdf < report.json > file

It bounds itself before it reads; started by `unit.argv` it also has no network, no files and no rights.
"""

import gc
import json
import resource
import sys

from compliance.exports import FORMS, PDF

MEMORY = 2 << 30  # bytes of address space; a report of three nodes takes a quarter of it
SECONDS = 240  # of CPU
_READ = 256 << 20  # bytes of a report


def main(arguments: list[str] | None = None) -> int:
    """Make the form that the command line names; exit 2 for any other word."""
    words = sys.argv[1:] if arguments is None else arguments
    if len(words) != 1 or words[0] not in FORMS:
        sys.stderr.write(f"one of: {' '.join(FORMS)}\n")
        return 2
    bound()
    gc.disable()  # one short life: looking for what can be freed took a third of the time
    sys.stdout.buffer.write(make(words[0], sys.stdin.buffer.read(_READ)))
    return 0


def bound() -> None:
    """Give this process a limit of memory and of CPU time, and no core dump with what it read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def make(form: str, report: bytes) -> bytes:
    """Return the file of that form. Each library is loaded only where it is used."""
    if form == PDF.name:
        from compliance.exports.pdf import pdf  # noqa: PLC0415 - see above

        return pdf(json.loads(report))
    from compliance.exports.xlsx import xlsx  # noqa: PLC0415 - see above

    return xlsx(json.loads(report))


if __name__ == "__main__":
    sys.exit(main())
