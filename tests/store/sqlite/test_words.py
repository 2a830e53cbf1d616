"""Every place in the schema that may hold somebody's words is one that forgetting knows."""

import apsw
import pytest

from elephantasm_mcp.store.sql import load_migrations

ENGINE = "elephantasm_mcp.store.sqlite"
ERASED = """
    events.role events.author events.summary events.content events.session_id events.meta
    events.source_uri events.dedupe_key events.content_hash
    memories.summary memories.content memories.session_id memories.meta
    knowledge.content links.quote vectors.vector segments.data
    identities.personality_type identities.communication_style identities.self_reflection
    identities.prose identities.statements conflicts.question plans.operations
    dreams.note calls.error
    dream_actions.before dream_actions.after dream_actions.reasoning dream_actions.inputs
    declined.inputs packs.items packs.hash packs.client
    idempotency.key idempotency.request idempotency.response jobs.last_error
"""
"""Somebody's words, or made of them: `store/erasure.py` removes them."""
WORDLESS = """
    properties.key properties.value users.uuid users.name
    api_keys.uuid api_keys.name api_keys.prefix api_keys.digest api_keys.scopes api_keys.animas
    grants.uuid
    animas.uuid animas.name animas.description animas.meta animas.settings
    events.uuid events.event_type events.trust events.state
    memories.uuid memories.state memories.synthesizer memories.trust
    knowledge.uuid knowledge.type knowledge.synthesizer knowledge.trust
    identities.uuid identities.synthesizer conflicts.uuid conflicts.of_layer conflicts.state
    plans.uuid plans.phase plans.synthesizer plans.calls row_changes.layer dream_actions.model
    calls.purpose calls.model calls.outcome unmade.model
    work_orders.uuid work_orders.events work_orders.state
    links.layer links.source_layer vectors.layer vectors.model
    dreams.uuid dreams.phase dreams.actor dreams.synthesizer dreams.counts
    dream_actions.kind dream_actions.layer dream_actions.sources dream_actions.operation
    dream_events.before dream_events.after declined.layer declined.operation
    jobs.kind jobs.state jobs.lease_owner workers.owner workers.state workers.last_error
    trusted_projects.project trusted_projects.folder
    index_marks.layer index_marks.model segments.part forgotten.layer
    forgotten.key_digest shown.layer
"""
"""Ids, digests of keys, kinds, handles, names of ours, and what describes an anima itself."""


@pytest.fixture(scope="module")
def schema():
    connection = apsw.Connection(":memory:")
    for migration in load_migrations(ENGINE):
        connection.execute(migration.sql)
    yield connection
    connection.close()


def test_every_column_that_may_hold_words_is_known_to_forgetting_or_holds_none(schema):
    found = {
        f"{table}.{column}"
        for (table,) in schema.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if not table.startswith("sqlite_")
        for _, column, kind, *_ in schema.execute(f"PRAGMA table_xinfo({table})")
        if kind in ("TEXT", "BLOB", "ANY")
    }
    known = set(ERASED.split()) | set(WORDLESS.split())
    assert found == known, "say in store/erasure.py what becomes of it, then name it here"
