"""The Python surface: `Elephantasm`, `AsyncElephantasm`, and three functions over a shared client.

Owns that shared client, the only module-level state of the package. Invariant: it is made on first
use, once for all threads, with the environment's settings.
"""

import threading
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Concatenate, Final, ParamSpec, TypeVar

from elephantasm_mcp.sdk.asynchronous import AsyncElephantasm
from elephantasm_mcp.sdk.synchronous import Elephantasm

__all__ = ["AsyncElephantasm", "Elephantasm", "create_anima", "extract", "inject"]

P = ParamSpec("P")
T = TypeVar("T")

_shared_lock: Final = threading.Lock()
_shared: Elephantasm | None = None
"""The client behind the functions below: made on first use, with the environment's settings."""


def _by_shared_client(method: Callable[Concatenate[Elephantasm, P], T]) -> Callable[P, T]:
    """A method of the shared client as a function."""

    @wraps(method)
    def function(*args: P.args, **kwargs: P.kwargs) -> T:
        return method(_shared_client(), *args, **kwargs)

    shape = signature(method)
    parameters = list(shape.parameters.values())[1:]
    setattr(function, "__signature__", shape.replace(parameters=parameters))  # noqa: B010
    return function


def _shared_client() -> Elephantasm:
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Elephantasm()
        return _shared


inject = _by_shared_client(Elephantasm.inject)
extract = _by_shared_client(Elephantasm.extract)
create_anima = _by_shared_client(Elephantasm.create_anima)
