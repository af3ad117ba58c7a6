"""A mistake in a protocol's code refuses one message; it must not end the guard for all the others."""

from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import ParamSpec, TypeVar

from network.gateway.refusals import GatewayRefusal, GuardFault

_P = ParamSpec("_P")
_R = TypeVar("_R")


def contained(act: Callable[_P, _R], *given: _P.args, **named: _P.kwargs) -> _R:
    """Return what `act` returns; raises its refusal, or `GuardFault` for anything else it raises.

    Said is where it happened, never what was in the message.
    """
    try:
        return act(*given, **named)
    except GatewayRefusal:
        raise
    except Exception as error:
        frame = extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        raise GuardFault(why=f"{type(error).__name__} {place}") from error
