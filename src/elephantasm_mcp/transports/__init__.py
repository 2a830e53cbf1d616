"""Transports: the process that serves MCP over stdio or HTTP, from its start to its end.

Owns logging, signals, the exit code and the deadline for leaving. Does not own what is served.
Invariant: standard output carries JSON-RPC and nothing else, and once the process has to go it is
gone within a second.
"""

import logging
import sys
from typing import Literal

import anyio

from elephantasm_mcp.errors import ElephantasmError
from elephantasm_mcp.sdk.endpoint import parse_endpoint
from elephantasm_mcp.settings import Settings
from elephantasm_mcp.transports.garbage import keep_garbage
from elephantasm_mcp.transports.leaving import exit_on_signals

Transport = Literal["stdio", "http", "sse"]

logger = logging.getLogger(__name__)


def serve(settings: Settings, *, transport: Transport) -> int:
    """Serve until the client leaves or the process is told to; the result is its exit code.

    The process belongs to this function: what has not ended a second after leaving began is ended
    with it.
    """
    keep_garbage()
    exit_on_signals()
    _set_up_logging(settings)
    try:
        endpoint = parse_endpoint(settings) if transport == "stdio" else None
        if endpoint is not None:
            from elephantasm_mcp.transports.bridge import serve_bridge

            anyio.run(serve_bridge, settings, endpoint)
        elif transport == "stdio":
            from elephantasm_mcp.transports.stdio import serve_stdio

            anyio.run(serve_stdio, settings)
        else:
            from elephantasm_mcp.transports.http import serve_http

            anyio.run(serve_http, settings)
    except Exception as error:  # noqa: BLE001 - the process ends here, and with a sentence
        return _report(error)
    return 0


def _set_up_logging(settings: Settings) -> None:
    """Our lines on standard error, and of libraries what went wrong; with `debug` all they say."""
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("elephantasm_mcp").setLevel(settings.log.upper())
    logging.getLogger("mcp").setLevel(logging.DEBUG if settings.log == "debug" else logging.ERROR)


def _report(error: Exception) -> int:
    known = _first_known(error)
    if known is None:
        logger.error("Failed to serve.", exc_info=error)
    sentence = known.explain() if known else "Something failed inside elephantasm; see above."
    sys.stderr.write(f"{sentence}\n")
    return 1


def _first_known(error: BaseException) -> ElephantasmError | None:
    """Our error in what a task group raised."""
    if isinstance(error, ElephantasmError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_first_known, error.exceptions)), None)
    return None
