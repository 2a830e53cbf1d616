"""Plain statements: what is read of them, whether they say the same, whether one ends another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.pure.truths import contradicts, denied, read, same, statements, supersedes
from lookalikes import LOOKALIKES
from pairs import ALIKE, PEOPLE, SAME, UPDATES


def told(line):
    """What the only statement of a line says."""
    ((speaker, text),) = statements(line)
    return read(text, speaker=speaker)


def agree(one, other):
    """Whether two statements that were read say the same."""
    return same(one.saying, other.saying)


def filled(pair):
    return [one.format(p="Nadia", q="Omar") for one in pair]


def test_most_pairs_that_say_the_same_have_one_key():
    found = [agree(told(a), told(b)) for a, b in map(filled, SAME)]
    assert sum(found) >= 0.9 * len(SAME)


def test_most_updates_end_what_was_said_before():
    found = [supersedes(told(b), told(a)) for a, b in map(filled, UPDATES)]
    assert sum(found) >= 0.9 * len(UPDATES)


@pytest.mark.parametrize("pair", ALIKE, ids=lambda pair: pair[1])
def test_what_only_looks_alike_neither_says_the_same_nor_ends_it(pair):
    first, second = map(told, filled(pair))
    assert not agree(first, second)
    assert not supersedes(second, first)
    assert not supersedes(first, second)


@pytest.mark.parametrize("speaker", ["", "Nadia"])
@pytest.mark.parametrize("pair", LOOKALIKES, ids=" / ".join)
def test_a_word_in_another_place_or_form_is_another_statement(pair, speaker):
    first, second = (read(one, speaker=speaker, day=day) for day, one in enumerate(pair))
    assert not agree(first, second)
    assert not supersedes(second, first)


@given(st.sampled_from(SAME + UPDATES), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE))
def test_two_persons_never_say_the_same(pair, one, other):
    first, second = (told(line) for line in (pair[0].format(p=one), pair[0].format(p=other)))
    assert agree(first, second) == (one == other or "{p}" not in pair[0])


@given(st.text())
def test_any_text_can_be_read(text):
    for speaker, line in statements(text):
        truth = read(line, speaker=speaker)
        assert not supersedes(truth, truth)
        assert not contradicts(truth, truth)


def test_what_happened_is_of_its_day_and_what_is_so_is_not():
    assert not agree(read("Nadia visited Rome.", day=1), read("Nadia visited Rome.", day=2))
    assert agree(read("Nadia likes Rome.", day=1), read("Nadia likes Rome.", day=2))


def test_a_memory_is_read_quote_by_quote_without_its_head():
    line = 'Ann and Bo, 3 May 2026, about tea. Ann: "I like tea. I keep bees." Bo: "Not me."'
    assert statements(line) == [
        ("Ann", "I like tea."),
        ("Ann", "I keep bees."),
        ("Bo", "Not me."),
    ]


def test_the_day_on_which_it_was_said_is_no_part_of_it():
    line = 'Ann: "We use Go" (said on 4 May 2026)'
    assert agree(told(line), told('Ann: "We use Go"'))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Nadia's boss is Karl.", "Nadia's boss is Ruth."),
        ("The deadline is 5 May.", "The deadline is 7 May."),
        ("Nadia lives in Cluj.", "Nadia lives in Oslo."),
    ],
)
def test_two_values_of_what_one_has_one_of_contradict(first, second):
    assert contradicts(read(first), read(second))


def test_two_values_of_what_one_may_have_several_of_do_not():
    assert not contradicts(read("Nadia's sister is Ann."), read("Nadia's sister is Bea."))
    assert not contradicts(read("Nadia's boss is Karl."), read("Nadia's boss is Karl Weiss."))


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("Tom uses Vim for code.", "Ann switched from Vim to Emacs for code."),
        ("Tom's daughter is in third grade.", "Tom's son is in fourth grade now."),
        ("I smoke.", "My brother stopped smoking."),
    ],
)
def test_what_another_did_ends_nothing(older, newer):
    assert not supersedes(read(newer), read(older))


def test_what_one_person_says_of_themselves_does_not_end_what_another_says():
    older, newer = read("I smoke.", speaker="Ann"), read("I stopped smoking.", speaker="Bo")
    assert not supersedes(newer, older)
    assert supersedes(read("I stopped smoking.", speaker="Ann"), older)


def test_a_deed_done_once_is_the_same_on_whichever_day_it_is_told():
    line = "Yusuf wrote the import script."
    assert agree(read(line, day=1), read(line, day=2))


def test_a_title_or_an_initial_ends_no_sentence():
    assert len(statements('Ann: "My therapist is Dr. Lindqvist." (said on 4 May 2026)')) == 1


def test_what_ends_one_half_of_a_statement_leaves_it_standing():
    newer = read("Nadia moved to Lisbon.", day=9)
    assert supersedes(newer, read("Nadia lives in Porto.", day=1))
    assert not supersedes(newer, read("Nadia lives in Porto and works at Acme.", day=1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("My cousin Kofi flies cargo planes.", "Kofi, my cousin, flies cargo planes."),
        (
            "The printer in the study is an Epson ET-2850.",
            "The study's printer is an Epson ET2850.",
        ),
        ("Usually I cycle to the office.", "I usually cycle to the office."),
        ("I have no pets.", "I don't have any pets."),
        ("All invoices must be approved by Helen.", "Helen must approve all invoices."),
        ("I pay €18,000.", "I pay 18,000 euros."),
        ("My rent is 1,150 pounds a month.", "My rent is £1150 per month."),
        ("My passport expires in 2027.", "Remember, my passport expires in 2027."),
        ("Mum's flat is in Škofja Loka.", "My mum's apartment is in Skofja Loka."),
        ("The hour is half past six.", "The hour is 6:30."),
    ],
)
def test_one_part_may_stand_elsewhere(one, other):
    assert agree(read(one), read(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Gustav beat Carla at chess.", "Carla beat Gustav at chess."),
        ("I prefer tea to coffee.", "I prefer coffee to tea."),
        ("I fly from Porto to Oslo.", "I fly from Oslo to Porto."),
        ("My brother's wife is ill.", "My wife's brother is ill."),
        ("I have a black cat and a white dog.", "I have a white cat and a black dog."),
        ("Rack 4 has 64 disks.", "Rack 64 has 4 disks."),
        ("If it rains we meet.", "If we meet it rains."),
        ("I swim before lunch.", "I swim after lunch."),
        ("I work with Ana.", "I work for Ana."),
    ],
)
def test_who_does_what_to_whom_is_told_by_the_order(one, other):
    assert not agree(read(one), read(other))


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("Our babysitter is Freya.", "Freya left for Canada, our babysitter is Oskar now."),
        ("Our meeting language is German.", "Since May our meeting language is English."),
        ("My son is 1.32 m tall.", "My son has grown, he's 1.38 m tall."),
        (
            "Cache entries expire after one hour.",
            "We cut it: cache entries now expire after 5 minutes.",
        ),
        ("The wifi password is lemonfish22.", "I changed the wifi password to graniteowl90."),
        ("The car insurance is with Allianz.", "I moved the car insurance over to HUK."),
        ("Our kitchen walls are yellow.", "We repainted our kitchen walls white."),
        ("The bot's name is Pixie.", "We renamed the bot to Sparrow."),
        ("Our address is 12 Birch Close.", "Our new address is 5 Quayside Walk."),
        ("I don't drink coffee.", "I've started drinking coffee."),
        (
            "I'm captain of the curling team.",
            "Runa took over from me as captain of the curling team.",
        ),
        ("My sister lives in Leeds.", "My sister has moved to Bath."),
        ("Lars is our product manager.", "Lars left, Ines is our product manager now."),
    ],
)
def test_a_change_may_be_told_in_one_clause_of_several(older, newer):
    assert supersedes(read(newer, day=2), read(older, day=1))
    assert not supersedes(read(older, day=2), read(newer, day=1))


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("The car is red.", "We moved the car to the garage."),
        ("My home laptop is a Mac.", "I changed the work laptop to a Dell."),
        ("My dog is called Rex.", "I moved my dog to the kitchen."),
        ("I'm using Flask for the site.", "I'm currently using Git for the code."),
        ("I don't drink coffee.", "I might start drinking coffee."),
        ("I eat meat.", "I no longer eat meat on Fridays."),
    ],
)
def test_a_change_of_something_else_ends_nothing(older, newer):
    assert not supersedes(read(newer, day=2), read(older, day=1))


def test_a_denial_names_what_it_denies():
    assert same(
        denied(read("I am not allergic to nuts.").saying), read("I'm allergic to nuts.").saying
    )
    assert denied(read("I am allergic to nuts.").saying) is None
