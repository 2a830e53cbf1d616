"""Which statements become knowledge, of which type, and in which words."""

import pytest

from elephantasm_mcp.synthesis.extractive import propose


def known(batch, line: str) -> list[tuple[str, str]]:
    return [
        (item.type.value, item.content)
        for memory in propose(batch(line)).memories
        for item in memory.knowledge
    ]


@pytest.mark.parametrize(
    ("line", "kind", "content"),
    [
        ("Ann: I love hiking in Wales!", "FACT", "Ann loves hiking in Wales."),
        ("Ann: Yeah, I don't like horror movies.", "FACT", "Ann does not like horror movies."),
        ("user: I'm allergic to hazelnuts.", "FACT", "The user is allergic to hazelnuts."),
        ("Ann: I work at a bakery in Leeds.", "FACT", "Ann works at a bakery in Leeds."),
        ("Ann: My sister Nadia is a vet in Split.", "FACT",
         "Ann's sister Nadia is a vet in Split."),
        ("Ann: I love hiking with my dog Rex.", "FACT", 'Ann: "I love hiking with my dog Rex"'),
        ("Ann: I prefer tabs over spaces.", "FACT", "Ann prefers tabs over spaces."),
        (
            "Ann: I went to Lisbon last week, it was great.",
            "EXPERIENCE",
            "Ann went to Lisbon last week [week of 1 May 2023].",
        ),
        (
            "Ann: I'm going to Lisbon tomorrow.",
            "FACT",
            "Ann is going to Lisbon tomorrow [9 May 2023].",
        ),
        (
            "Ann: I've decided to learn Portuguese.",
            "FACT",
            "Ann has decided to learn Portuguese (said on 8 May 2023).",
        ),
        (
            "Ann: To restart the worker, run systemctl restart worker.",
            "METHOD",
            'Ann: "To restart the worker, run systemctl restart worker"',
        ),
        (
            "Ann: I lost my job at the cement works.",
            "EXPERIENCE",
            'Ann: "I lost my job at the cement works" (said on 8 May 2023)',
        ),
        ("Ann: I'm now part of the mountain rescue.", "FACT",
         "Ann is now part of the mountain rescue."),
        ("Ann: I got a parrot two weeks ago.", "EXPERIENCE",
         "Ann got a parrot two weeks ago [c. 24 April 2023]."),
        ("Ann: Last week I joined a choir, and it is fun.", "EXPERIENCE",
         "Last week [week of 1 May 2023], Ann joined a choir."),
        ("Ann: Joined a choir last week!", "EXPERIENCE",
         'Ann: "Joined a choir last week [week of 1 May 2023]"'),
        ("Ann: I'm planning a trip to the Hebrides.", "FACT",
         "Ann is planning a trip to the Hebrides (said on 8 May 2023)."),
        ("Ann: I've got two cats, Soot and Marble.", "FACT",
         "Ann has two cats, Soot and Marble (said on 8 May 2023)."),
        ("Ann: I was promoted to head of the archive.", "EXPERIENCE",
         "Ann was promoted to head of the archive (said on 8 May 2023)."),
        ("Ann: I joined a choir on May 5.", "EXPERIENCE",
         "Ann joined a choir on May 5 (said on 8 May 2023)."),
        ("Ann: I sold the piano, but I kept the stool.", "EXPERIENCE",
         "Ann sold the piano (said on 8 May 2023)."),
        ("user: I'm using Flask 2.3, Redis, and Celery for the ledger.", "FACT",
         "The user is using Flask 2.3, Redis, and Celery for the ledger (said on 8 May 2023)."),
        ("user: My deadline is 15 April.", "FACT",
         "The user's deadline is 15 April (said on 8 May 2023)."),
        ("user: The budget is $12,000.", "FACT",
         'The user: "The budget is $12,000" (said on 8 May 2023)'),
        ("user: We decided to use PostgreSQL 16.", "FACT",
         'The user: "We decided to use PostgreSQL 16" (said on 8 May 2023)'),
        ("Ann: I make pesto by blending basil with walnuts.", "METHOD",
         'Ann: "I make pesto by blending basil with walnuts"'),
        ("Ann: Quarto is a board game with sixteen pieces.", "CONCEPT",
         'Ann: "Quarto is a board game with sixteen pieces"'),
        ("Ann: By churn we mean customers lost per month.", "CONCEPT",
         'Ann: "By churn we mean customers lost per month"'),
    ],
)  # fmt: skip
def test_a_clear_statement_becomes_knowledge(batch, line, kind, content):
    assert known(batch, line) == [(kind, content)]


def test_a_standing_instruction_to_an_assistant_is_a_principle(batch):
    (memory,) = propose(
        batch("user: Always format dates as day month year.", "assistant: Noted, I will use that.")
    ).memories
    assert [item.type.value for item in memory.knowledge] == ["PRINCIPLE"]


@pytest.mark.parametrize(
    "line",
    [
        "Ann: Do you love hiking in Wales?",
        "Ann: If I lived in Oslo I would love skiing in Nordmarka.",
        "Ann: Maybe I love hiking in Wales.",
        "Ann: I love paperwork in triplicate, just kidding!",
        "Ann: I love paperwork in triplicate lol.",
        "Ann: I love that painting of yours.",
        "Ann: I love it there in Wales.",
        "Ann: I love Wales, but I hate hiking there.",
        "Ann: I think I am allergic to hazelnuts.",
        "Ann: I may sell the piano in Bergen.",
        "Ann: I read two books a week.",
        "Ann: Lost in thought again today.",
        "Ann: I got a lot of support yesterday.",
        "Ann: My brother said he bought a house in Leeds.",
        "Ann: No dogs live in my flat in Leeds.",
        "Ann: I'm going to keep trying this year.",
        "Ann: I've got to go to the bank in Leeds.",
        "Ann: My heart is full of joy today.",
        "assistant: I love hiking in Wales.",
        "assistant: You should always use HTTPS for payments in Wales.",
    ],
)
def test_what_is_not_certain_does_not(batch, line):
    assert known(batch, line) == []
