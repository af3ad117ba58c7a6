"""The one visible table of violations; a new one is an entry in the file of its kind."""

from tests.violations import boundary, controller, files, logins, machines, services
from tests.violations.violation import Violation

VIOLATIONS: tuple[Violation, ...] = (
    *logins.VIOLATIONS,
    *files.VIOLATIONS,
    *services.VIOLATIONS,
    *boundary.VIOLATIONS,
    *controller.VIOLATIONS,
    *machines.VIOLATIONS,
)
