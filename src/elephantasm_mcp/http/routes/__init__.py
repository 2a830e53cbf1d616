"""Routes: one module a noun. Each parses, calls one service and presents."""

from fastapi import FastAPI

from elephantasm_mcp.app import App
from elephantasm_mcp.http.routes import (
    animas,
    dreams,
    events,
    export,
    grants,
    health,
    layers,
    packs,
    people,
    search,
)

_MODULES = (events, animas, packs, search, layers, dreams, people, grants, export, health)


def register_routes(api: FastAPI, app: App) -> None:
    """Add all of them, in the order in which the pages show them."""
    for module in _MODULES:
        module.register(api, app)
