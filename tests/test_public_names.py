"""The names that users import, what they cost, and the fields that they can rely on."""

import inspect
import subprocess
import sys

import pytest

import elephantasm_mcp
from elephantasm_mcp import AsyncElephantasm, Elephantasm, types

PROMISED = """
    Elephantasm AsyncElephantasm inject extract create_anima EventType
    Anima Event Memory MemoryPack MemoryState ScoredMemory ScoredKnowledge TemporalContext
    IdentityContext
    ElephantasmError AuthenticationError NotFoundError RateLimitError ValidationError ServerError
"""
ADDED = """
    AnimaCreate AnimaOverview ConflictError DreamReport EventCreate Knowledge KnowledgeType
    NotBuiltError SearchHit SearchHits StorageError Trace UndoReport
"""
FIELDS = {
    "Anima": "id name description meta user_id created_at updated_at",
    "AnimaCreate": "name description meta",
    "Event": "id anima_id event_type role author summary content occurred_at session_id meta "
    "source_uri dedupe_key importance_score created_at updated_at",
    "EventCreate": "anima_id event_type content role author summary occurred_at session_id meta "
    "source_uri dedupe_key importance_score",
    "Memory": "id anima_id content summary importance confidence state recency_score decay_score "
    "time_start time_end meta created_at updated_at source_ids provisional synthesizer pinned "
    "trust",
    "MemoryPack": "id anima_id query preset_name session_memory_count knowledge_count "
    "long_term_memory_count has_identity token_count max_tokens content compiled_at created_at",
    "ScoredMemory": "id summary score reason breakdown similarity",
    "ScoredKnowledge": "id content type score similarity",
    "TemporalContext": "last_event_at hours_ago memory_summary formatted",
    "IdentityContext": "personality_type communication_style self_reflection prose",
    "SearchHit": "id handle layer text score reason breakdown similarity occurred_at session_id "
    "source_ids weak",
    "DreamReport": "id handle actions counts tokens",
}
PACK = "identity session_memories knowledge long_term_memories temporal_context as_prompt asPrompt"
SIGNATURES = {
    "create_anima": "name, description=None, meta=None, settings=None",
    "animas": "",
    "delete_anima": "id",
    "extract": "event_type, content, *, anima_id=None, session_id=None, role=None, author=None, "
    "occurred_at=None, summary=None, meta=None, source_uri=None, importance_score=None, "
    "dedupe_key=None",
    "extract_many": "events",
    "inject": "anima_id=None, query=None, preset=None, *, session_id=None, max_tokens=None, "
    "as_of=None",
    "search": "query, *, anima_id=None, layers=('memory', 'knowledge', 'event'), session_id=None, "
    "since=None, until=None, include_archived=False, limit=10",
    "events": "anima_id=None, *, session_id=None, since=None, until=None, limit=None",
    "memories": "anima_id=None, *, state=None, limit=None",
    "knowledge": "anima_id=None, *, include_superseded=False, limit=None",
    "identity": "anima_id=None",
    "dreams": "anima_id=None, *, limit=None",
    "dream": "anima_id=None, phase='auto', dry_run=False",
    "complete_dream": "plan_or_work_order, accept=None, proposals=None",
    "undo_dream": "dream_id",
    "trace": "id, *, anima_id=None, query=None",
    "curate": "id, action, *, anima_id=None, content=None, knowledge_type=None, reason=None",
    "redact": "*, anima_id=None, dry_run=True",
    "usefulness": "anima_id=None, *, days=90",
    "grants": "anima_id=None",
    "grant": "source, to, *, to_user=None, knowledge=True, memories=False",
    "revoke_grant": "id",
    "forget": "*, anima_id=None, ids=None, session_id=None, everything=False, dry_run=True",
}
CONSTRUCTOR = (
    "api_key=None, anima_id=None, endpoint=None, database=None, timeout=30.0, *, "
    "background_jobs=False, **settings"
)


def bare(function: object) -> str:
    """A signature without `self` and without annotations."""
    shape = inspect.signature(function)
    parameters = [
        one.replace(annotation=one.empty) for one in shape.parameters.values() if one.name != "self"
    ]
    return str(inspect.Signature(parameters)).strip("()") if parameters else ""


def test_the_public_names_are_these() -> None:
    assert sorted(elephantasm_mcp.__all__) == sorted((PROMISED + ADDED).split())
    for name in elephantasm_mcp.__all__:
        assert getattr(elephantasm_mcp, name).__name__ == name
        assert name in dir(elephantasm_mcp)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Elefantasm"):
        elephantasm_mcp.Elefantasm  # noqa: B018


def test_every_public_type_is_in_types_too() -> None:
    for name in FIELDS:
        assert name in types.__all__
    for name in types.__all__:
        assert hasattr(types, name)


@pytest.mark.parametrize("name", FIELDS)
def test_a_type_has_the_fields_that_were_promised(name: str) -> None:
    assert set(FIELDS[name].split()) <= set(getattr(types, name).model_fields)


def test_a_pack_gives_its_layers_and_its_prompt() -> None:
    for name in PACK.split():
        assert hasattr(elephantasm_mcp.MemoryPack, name)


@pytest.mark.parametrize("name", SIGNATURES)
def test_both_clients_take_the_same_promised_arguments(name: str) -> None:
    assert bare(getattr(AsyncElephantasm, name)) == SIGNATURES[name]
    assert inspect.signature(getattr(Elephantasm, name)) == inspect.signature(
        getattr(AsyncElephantasm, name)
    )
    assert inspect.iscoroutinefunction(getattr(AsyncElephantasm, name))


def test_both_clients_are_made_alike() -> None:
    assert bare(Elephantasm.__init__) == bare(AsyncElephantasm.__init__) == CONSTRUCTOR


def test_the_clients_have_the_same_methods() -> None:
    def methods(client: type) -> set[str]:
        return {name for name in vars(client) if not name.startswith("_")}

    assert methods(Elephantasm) == methods(AsyncElephantasm)
    assert methods(Elephantasm) == {*SIGNATURES, "update_anima", "ingest", "close"}


@pytest.mark.parametrize("name", ["inject", "extract", "create_anima"])
def test_the_functions_take_what_the_methods_take(name: str) -> None:
    assert bare(getattr(elephantasm_mcp, name)) == SIGNATURES[name]


def imported_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(run.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not {"pydantic", "anyio", "numpy", "apsw", "mcp"} & imported_by("import elephantasm_mcp")


def test_types_and_errors_come_without_the_database() -> None:
    loaded = imported_by("from elephantasm_mcp import EventType, MemoryPack, ValidationError")
    assert not {"anyio", "numpy", "apsw", "mcp", "onnxruntime"} & loaded


def test_the_clients_come_without_protocols_and_models() -> None:
    loaded = imported_by("from elephantasm_mcp import Elephantasm")
    assert not {"mcp", "starlette", "uvicorn", "onnxruntime", "anthropic", "openai"} & loaded
