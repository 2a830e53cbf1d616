"""What an episode is said to be about."""

from elephantasm_mcp.synthesis.topics import topics
from elephantasm_mcp.synthesis.turns import read


def about(batch, *lines: str) -> tuple[str, ...]:
    return topics([read(event) for event in batch(*lines).events])


def test_a_name_of_two_words_is_a_topic(batch):
    assert about(batch, "Ann: We drove along the Grand Canyon for hours.") == ("Grand Canyon",)


def test_a_phrase_that_recurs_is_a_topic(batch):
    lines = ("Ann: I joined the sailing club.", "Ben: How is the sailing club?")
    assert about(batch, *lines) == ("sailing club",)


def test_nothing_is_made_of_words_that_only_stand_together(batch):
    lines = ("Ann: I saw the effect unemployment has.", "Ben: I see how the pipe systems face it.")
    assert about(batch, *lines) == ()


def test_the_speakers_are_no_topic(batch):
    assert about(batch, "Ann: I told Ben so.", "Ben: Yes, and I told Ann.") == ()


def test_feelings_are_no_topic(batch):
    lines = ("Ann: I found the courage.", "Ben: It takes the courage.", "Ann: Yes, the courage.")
    assert about(batch, *lines) == ()


def test_an_assistants_words_are_no_topic(batch):
    assert about(batch, *["assistant: The sailing club is near the sailing club."] * 4) == ()
