"""What the extractive synthesizer makes of small conversations."""

from dataclasses import replace
from datetime import timedelta

import pytest

from elephantasm_mcp.synthesis.extractive import ExtractiveSynthesizer, propose
from elephantasm_mcp.types.proposals import Proposals, SynthesisBatch
from elephantasm_mcp.types.records import Trust


def all_text(proposals: Proposals) -> str:
    return "\n".join(memory.content for memory in proposals.memories)


async def test_it_names_itself_and_is_provisional(batch):
    synthesizer = ExtractiveSynthesizer()
    assert (synthesizer.name, synthesizer.provisional) == ("extractive-1", True)
    assert await synthesizer.synthesize(batch("Ann: Hi!")) == Proposals()


def test_a_memory_says_who_when_and_quotes_with_the_date_resolved(batch):
    proposals = propose(
        batch(
            "Ann: Hey Ben! How have you been?",
            "Ben: Swamped! What's new?",
            "Ann: I went to a beekeeping course yesterday and it was so calming.",
            "Ben: Wow, that's awesome!",
        )
    )
    assert [memory.summary for memory in proposals.memories] == [
        "Ann and Ben, 8 May 2023. "
        'Ann: "I went to a beekeeping course yesterday [7 May 2023] and it was so calming."'
    ]


def test_the_source_quote_is_verbatim_without_the_resolved_date(batch):
    (memory,) = propose(batch("Ann: I went to a beekeeping course yesterday.")).memories
    assert [(s.event, s.quote) for s in memory.sources] == [
        ("e1", "I went to a beekeeping course yesterday.")
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Ann: Hey Ben, good to see you!",
        "Ann: Thanks so much, that means a lot!",
        "Ann: Wow, that sounds awesome, congrats!",
        "Ann: 😀😀😀",
        "Ann: 42",
        "Ann: What did you do in Lisbon last week?",
        "Ann:  ",
    ],
)
def test_small_talk_makes_no_memory(batch, line):
    assert propose(batch(line)).memories == []


def test_no_events_make_no_memories():
    assert propose(SynthesisBatch(anima="a", events=())) == Proposals()


def test_a_short_answer_keeps_its_question(batch):
    (memory,) = propose(
        batch("Ann: Where did you adopt your dog?", "Ben: In Porto, in March 2021.")
    ).memories
    assert 'Ann asked: "Where did you adopt your dog?" Ben: "In Porto, in March 2021."' in (
        memory.summary
    )
    assert [source.event for source in memory.sources] == ["e1", "e2"]


def test_a_request_at_the_end_of_a_sentence_is_not_part_of_the_quote(batch):
    (memory,) = propose(
        batch("user: I chose DuckDB 1.1 for my bird ledger, can you help me set it up?")
    ).memories
    assert memory.sources[0].quote == "I chose DuckDB 1.1 for my bird ledger"


def test_code_and_tables_are_not_quoted(batch):
    text = "I deployed Redis 7 on Friday.\n```python\nI = went('to Paris')\n```\n| I | bought |\n"
    content = all_text(propose(batch(f"user: {text}")))
    assert "Redis 7" in content
    assert "Paris" not in content
    assert "|" not in content


def test_what_an_assistant_explains_is_not_quoted(batch):
    (memory,) = propose(
        batch(
            "user: I moved our billing from MongoDB to PostgreSQL on 3 May 2023.",
            "assistant: Great! PostgreSQL supports transactions with strong ACID guarantees.",
        )
    ).memories
    assert "I moved our billing" in memory.summary
    assert "PostgreSQL supports" not in memory.content


def test_what_an_assistant_did_is_quoted(batch):
    (memory,) = propose(
        batch(
            "user: Please rename the ledger module of the aviary.",
            "assistant: I renamed the ledger module to accounts. A module is a file of code.",
        )
    ).memories
    assert 'Assistant: "I renamed the ledger module to accounts."' in memory.summary
    assert "A module is" not in memory.content


def test_what_an_answer_is_about_stands_in_the_content_alone(batch):
    (memory,) = propose(
        batch(
            "user: I need a rota for the Leeds bakery by 3 June.",
            "assistant: Let's create a detailed rota for your bakery with two bakers per shift.",
        )
    ).memories
    assert "Let's create" in memory.content
    assert "Let's create" not in memory.summary
    assert [source.event for source in memory.sources] == ["e1", "e2"]


def test_names_are_left_out_of_the_head_where_nobody_has_one(batch):
    (plain,) = propose(batch("user: I bought a kayak in Bristol.", "assistant: Nice!")).memories
    (named,) = propose(batch("Ann: I bought a kayak in Bristol.", "assistant: Nice!")).memories
    assert plain.summary == '8 May 2023. User: "I bought a kayak in Bristol."'
    assert named.summary == 'Ann and Assistant, 8 May 2023. Ann: "I bought a kayak in Bristol."'


def test_what_only_opens_a_sentence_is_not_quoted(batch):
    (memory,) = propose(
        batch("Ben: Hello Ann!", "Ann: Hey Ben, by the way, I sold the piano to Carl.")
    ).memories
    assert memory.sources[0].quote == "I sold the piano to Carl."


def test_facts_come_before_feelings_in_a_summary(batch):
    feelings = "It gave me so much joy and peace, and the courage to embrace new challenges. "
    facts = "I moved to Bergen on 3 March 2023. My sister Nadia lent me her van. "
    (memory,) = propose(batch(f"Ann: {feelings * 2}{facts}{feelings}")).memories
    assert "Bergen" in memory.summary
    assert "Nadia" in memory.summary
    assert "courage" not in memory.summary


def test_a_thin_stretch_makes_no_memory_of_its_own(batch):
    garden = "Ann: I planted tomatoes, beans and basil in the greenhouse behind the shed on Friday."
    supper = "Ann: Well, supper with the choir then."
    assert len(propose(batch(*[garden] * 9, *[supper] * 9)).memories) == 1


def test_a_question_to_an_assistant_is_remembered_as_asked(batch):
    (memory,) = propose(
        batch(
            "user: How do transformer architectures handle long documents?",
            "assistant: Sure! Here is an overview.",
        )
    ).memories
    assert 'User asked: "How do transformer architectures' in memory.summary


def test_a_tool_result_gives_its_decisive_line_and_no_knowledge(batch):
    (memory,) = propose(
        batch("tool: collecting...\nI have a dog named Rex\n3 failed, 12 passed in 4.2s")
    ).memories
    assert '"3 failed, 12 passed in 4.2s"' in memory.summary
    assert memory.knowledge == []


def test_a_gap_of_more_than_half_an_hour_starts_another_memory(batch):
    one = batch("Ann: I bought a kayak in Bristol yesterday.", "Ann: I sold my old bike to Carl.")
    later = replace(one.events[1], occurred_at=one.events[0].occurred_at + timedelta(minutes=31))
    apart = replace(one, events=(one.events[0], later))
    assert len(propose(one).memories) == 1
    assert len(propose(apart).memories) == 2


def test_what_recurs_is_named_as_the_topic(batch):
    (memory,) = propose(
        batch(
            "Ann: I signed up for the sailing club in March.",
            "Ben: The sailing club is the one in Hull?",
            "Ann: Yes, the sailing club at the marina in Hull.",
        )
    ).memories
    assert "about sailing club" in memory.summary


def test_an_allergy_matters_more_than_a_walk(batch):
    (allergy,) = propose(batch("Ann: I am allergic to hazelnuts, remember that.")).memories
    (walk,) = propose(batch("Ann: I walked along the Tweed near Kelso.")).memories
    assert allergy.importance > walk.importance


def test_a_hedged_memory_is_less_certain(batch):
    (sure,) = propose(batch("Ann: I left Oslo in June 2019.")).memories
    (hedged,) = propose(batch("Ann: I think I left Oslo in June 2019.")).memories
    assert hedged.confidence < sure.confidence


def test_the_importance_hint_of_an_event_is_a_lower_bound(batch):
    plain = batch("Ann: I walked along the Tweed near Kelso.")
    hinted = replace(plain, events=(replace(plain.events[0], importance=0.9),))
    assert propose(hinted).memories[0].importance == 0.9


def test_chinese_is_quoted_and_not_interpreted(batch):
    (memory,) = propose(batch("Mei: 我昨天在上海买了一辆红色的自行车。你好吗？")).memories
    assert memory.sources[0].quote == "我昨天在上海买了一辆红色的自行车。"
    assert memory.knowledge == []
    assert memory.summary.startswith("Mei, 8 May 2023. ")


def test_reported_words_never_become_knowledge(batch):
    told = batch("Ann: I am allergic to hazelnuts.")
    reported = replace(told, events=(replace(told.events[0], trust=Trust.REPORTED),))
    assert propose(told).memories[0].knowledge
    assert propose(reported).memories[0].knowledge == []


def test_nothing_is_known_twice_in_a_batch(batch):
    known = [
        item.content
        for memory in propose(
            batch("Ann: I am allergic to hazelnuts.", "Ann: I'm allergic to hazelnuts!")
        ).memories
        for item in memory.knowledge
    ]
    assert known == ["Ann is allergic to hazelnuts."]


def test_an_assistants_draft_in_the_users_voice_is_not_quoted_as_its_own(batch):
    content = all_text(
        propose(
            batch(
                "user: I chose Harbour Press as the addressee of my application.",
                "assistant: Certainly! I have over twenty years of experience in bookbinding.",
            )
        )
    )
    assert "Harbour Press" in content
    assert "twenty years" not in content


def test_a_statement_is_never_shown_as_asked(batch):
    (memory,) = propose(
        batch(
            "user: I've been invited to moderate a panel at the Leeds Book Fair, any tips?",
            "assistant: Sure! Speak slowly.",
        )
    ).memories
    assert "asked" not in memory.summary


@pytest.mark.parametrize(
    ("result", "quoted"),
    [
        ("1\tdef completed(self):\n2\t    stored, created = await write(", []),
        ('{\n  "status": "completed",\n  "created": 4,\n  "by": "x"\n}', []),
        ("if done:\n    return created\nerror[E0382]: borrow of moved value: `x`",
         ["error[E0382]: borrow of moved value: `x`"]),
        ("    raise ValueError(text)\nValueError: get() failed", ["ValueError: get() failed"]),
        ("src/a.ts(12,5): error TS2345: no such argument",
         ["src/a.ts(12,5): error TS2345: no such argument"]),
    ],
)  # fmt: skip
def test_a_tool_result_is_quoted_where_it_reports_and_not_where_it_is_code(batch, result, quoted):
    found = propose(batch(f"tool: {result}"))
    assert [one.quote for memory in found.memories for one in memory.sources if one.quote] == quoted


@pytest.mark.parametrize(
    "rule",
    [
        "Decision: tokens live 15 minutes.",
        "Don't touch legacy/ - Pavel owns it.",
        "Never push to main.",
        "Please use uv, not pip.",
        "Remember that prod is read-only on Fridays.",
    ],
)
def test_what_an_agent_is_told_to_keep_to_is_remembered(batch, rule):
    said = f"user: We migrate the login service to Keycloak. {rule}"
    (memory,) = propose(batch(said, "assistant: Understood.")).memories
    assert rule in memory.content
    cheer = propose(batch(f"{said} Don't worry about the rest.", "assistant: Understood."))
    assert "worry" not in all_text(cheer)
