"""Where a session is cut."""

from elephantasm_mcp.synthesis.episodes import OVERLONG, episodes
from elephantasm_mcp.synthesis.turns import read

GARDEN = "We planted tomatoes, beans and basil in the greenhouse behind the shed near the compost. "
ENGINE = (
    "The carburetor, gearbox and clutch of the motorcycle were cleaned with petrol and brushes. "
)


def cut(batch, *lines: str) -> list[int]:
    turns = [read(event) for event in batch(*lines).events]
    return [len(part) for part in episodes(turns, is_thin=lambda _: False)]


def test_a_change_of_topic_starts_an_episode(batch):
    lines = [f"Ann: {GARDEN * 2}"] * 6 + [f"Ann: {ENGINE * 2}"] * 6
    assert cut(batch, *lines) == [6, 6]


def test_one_topic_stays_together(batch):
    assert cut(batch, *[f"Ann: {GARDEN}"] * 6) == [6]


def test_an_answer_stays_with_its_question(batch):
    lines = [f"Ann: {GARDEN * 2}"] * 5 + [f"Ann: {GARDEN} And the engine?"]
    lines += [f"Ben: {ENGINE * 2}"] * 6
    assert cut(batch, *lines)[0] != 6


def test_an_episode_ends_somewhere_even_if_all_turns_are_questions(batch):
    lines = ["Ann: Is the greenhouse with the tomatoes and beans ready for the winter?"] * 200
    assert max(cut(batch, *lines)) <= 2 * OVERLONG
    assert sum(cut(batch, *lines)) == 200


def test_a_thin_episode_joins_the_one_before(batch):
    lines = [f"Ann: {GARDEN * 2}"] * 6 + [f"Ann: {ENGINE * 2}"] * 6
    turns = [read(event) for event in batch(*lines).events]
    assert episodes(turns, is_thin=lambda part: part.start >= 6) == [range(12)]
