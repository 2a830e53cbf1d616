"""The table of scopes, and that nothing is served without standing in it."""

import pytest

from elephantasm_mcp import access
from elephantasm_mcp.app import App
from elephantasm_mcp.errors import ScopeError, ServerError
from elephantasm_mcp.server import build_server
from elephantasm_mcp.types.callers import LOCAL_CALLER, Caller, Scope
from elephantasm_mcp.types.records import LOCAL_USER


async def test_what_mcp_serves_is_what_the_table_says(app: App) -> None:
    assert set(build_server(app).served()) == {name for name in access.NEEDS if " /" not in name}


@pytest.mark.parametrize("missing", ["get_memory_pack", "anima://{anima}/identity", "prompt dream"])
async def test_a_server_with_what_is_not_in_the_table_does_not_start(
    app: App, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    rest = {name: scope for name, scope in access.NEEDS.items() if name != missing}
    monkeypatch.setattr(access, "NEEDS", rest)
    with pytest.raises(ServerError, match="which scope these need"):
        build_server(app)


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_covers_those_before_it(scope: Scope) -> None:
    caller = Caller(LOCAL_USER, frozenset({scope}))
    for name, needed in access.NEEDS.items():
        if needed is None or list(Scope).index(needed) <= list(Scope).index(scope):
            access.require(caller, name)
        else:
            with pytest.raises(ScopeError, match=f"it needs the scope `{needed}`"):
                access.require(caller, name)


def test_without_a_scope_nothing_is_open_but_what_is_for_everybody() -> None:
    nobody = Caller(LOCAL_USER, frozenset())
    refused = set()
    for name in access.NEEDS:
        access.require(LOCAL_CALLER, name)
        try:
            access.require(nobody, name)
        except ScopeError:
            refused.add(name)
    assert refused == {name for name, needed in access.NEEDS.items() if needed is not None}
