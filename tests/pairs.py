"""Pairs of statements: that say the same, of which one ends the other, and that only look alike.

Each is written out, in the words of people who do not think of rules; names, values and order are
drawn. The first of a pair is said first.
"""

import random
from collections.abc import Iterator

PEOPLE = ["Nadia", "Bogdan", "Ines", "Tomasz", "Mei", "Omar", "Priya", "Lars"]

SAME = [
    ("{p} is allergic to hazelnuts.", "{p} has a hazelnut allergy."),
    ("{p}'s favourite colour is teal.", "{p}'s favorite color is teal"),
    ("{p}'s dog is called Rex.", "{p}'s dog is named Rex."),
    ("{p} lives in Cluj.", "{p} is living in Cluj."),
    ("{p} works for Acme.", "{p} works at Acme."),
    ("{p} doesn't eat pork.", "{p} does not eat pork."),
    ("{p} can't swim.", "{p} cannot swim!"),
    ("The stand-up is at 9 am.", "The stand-up is at 9am"),
    ("On Fridays the team deploys at 4 pm.", "The team deploys at 4 pm on Fridays."),
    ("{p} has two children.", "{p} has 2 kids."),
    ("{p} prefers tea to coffee.", "{p} really prefers tea to coffee."),
    ("The staging server runs Debian 12.", "the staging server runs Debian 12"),
    ("{p} likes to read science fiction.", "{p} likes reading science fiction."),
    ("{p} plays the cello.", "{p} also plays the cello."),
    ("{p} drives an electric car.", "By the way, {p} drives an electric car."),
    ("{p} is a vegetarian.", "{p} is a vegetarian, you know."),
    ("The API allows 1,000 requests a minute.", "The API allows 1000 requests a minute."),
    ("{p}'s mother lives in Porto.", "{p}'s mum lives in Porto."),
    ("For backups {p} uses an external disk.", "{p} uses an external disk for backups."),
    ("Invoices are sent on the 1st of the month.", "Invoices are sent on the 1st of the month!"),
    ("{p} speaks Polish and German.", "{p} speaks Polish & German."),
    (
        "{p} always reviews pull requests before lunch.",
        "Before lunch {p} always reviews pull requests.",
    ),
    ("{p} hates cold showers.", "{p} can't stand cold showers."),
    ("{p}'s flat is on the third floor.", "{p}'s apartment is on the third floor."),
    ("Teal is {p}'s favourite colour.", "{p}'s favourite colour is teal."),
    ("{p} works as a nurse.", "{p} is working as a nurse."),
    ("{p} is not a morning person.", "{p} isn't a morning person."),
    ("The door code is 4711.", "The door code's 4711."),
    ('{p}: "I never work on Sundays"', "{p} never works on Sundays."),
    ('{p}: "My sister is called Ana"', "{p}'s sister is called Ana."),
    ('{p}: "I\'m learning Rust"', "{p} is learning Rust."),
    ('{p}: "Our office closes at six"', '{p}: "our office closes at 6."'),
    ("{p} needs glasses to drive.", "{p} needs glasses for driving."),
    (
        "The billing service is written in Go.",
        "The billing service is written in Go (said on 4 May 2026).",
    ),
    ("{p} keeps bees.", "Actually, {p} keeps bees."),
]
UPDATES = [
    ("{p}'s favourite colour is blue.", "{p}'s favourite colour is now green."),
    ("{p} lives in Cluj.", "{p} moved to Oslo."),
    ("{p} lives in Lyon.", "{p} lives in Ghent now."),
    ("{p} works as a nurse.", "{p} no longer works as a nurse."),
    ("{p} works at Acme.", "{p} now works for Globex."),
    ("{p} eats meat.", "{p} doesn't eat meat anymore."),
    ("{p} smokes.", "{p} stopped smoking."),
    ("{p} uses Jira for tickets.", "{p} switched from Jira to Linear for tickets."),
    ("The team deploys on Fridays.", "The team now deploys on Mondays."),
    ("The deadline is 5 May.", "The deadline was moved to 12 May."),
    ("{p} drives a Volvo.", "{p} now drives a Tesla."),
    ("The release window is Friday 16:00.", "The release window is now Thursday 18:00."),
    ("{p} is a junior developer.", "{p} is now a senior developer."),
    ("{p}'s phone number is 555 1234.", "{p}'s new phone number is 555 9876."),
    ("{p}'s boss is Karl.", "Ruth is now {p}'s boss."),
    ("{p}'s email is a@example.org.", "{p}'s email address changed to b@example.org."),
    ("Standups are at 9:30.", "Standups are now at 10:00."),
    ("{p} is vegetarian.", "{p} is no longer vegetarian."),
    ("{p}'s budget is 400 euros.", "{p}'s budget was raised to 600 euros."),
    ("{p} runs on Linux Mint.", "{p} has switched from Linux Mint to Fedora."),
    ('{p}: "My favourite band is Portishead"', '{p}: "My favourite band is Massive Attack now"'),
    ('{p}: "I live in Turin"', '{p}: "I moved to Bologna last week"'),
    ('{p}: "We use Slack for chat"', '{p}: "We now use Zulip for chat"'),
    ('{p}: "I take sugar in my tea"', '{p}: "I don\'t take sugar in my tea any more"'),
    ("{p} plays in a band.", "{p} no longer plays in a band."),
    ("{p}'s address is 12 Mill Lane.", "{p}'s address is now 4 Station Road."),
    ("{p} is single.", "{p} is no longer single."),
    ("The demo is on Tuesday.", "The demo is now on Wednesday."),
    ("{p} works at Initech.", "{p} left Initech for Hooli."),
    ("{p}'s nickname is Bear.", "{p}'s nickname is Fox these days."),
    ("{p} owns a motorbike.", "{p} doesn't own a motorbike any longer."),
    ("{p}'s manager is Yusuf.", "{p}'s manager is now Greta."),
    ("{p} reports to Yusuf.", "{p} now reports to Greta."),
    ("The default branch is master.", "The default branch was renamed to main."),
    ("{p} takes the bus to work.", "{p} now takes the tram to work."),
]
ALIKE = [
    ("The parcel weighs 12 kg.", "The parcel weighs 21 kg."),
    ("Invoice 1234 is due in May.", "Invoice 1243 is due in May."),
    ("The API allows 100 requests a minute.", "The API allows 1000 requests a minute."),
    ("It was -5 degrees in the hall.", "It was 5 degrees in the hall."),
    ("Version 2.1 breaks the import.", "Version 2.2 breaks the import."),
    ("{p} has one brother.", "{p} has three brothers."),
    ("The discount is 5%.", "The discount is 5 euros."),
    ("{p} likes tea.", "{q} likes tea."),
    ("{p}'s dog is called Rex.", "{q}'s dog is called Rex."),
    ("{p} manages {q}.", "{q} manages {p}."),
    ("{p} lent {q} a book.", "{q} lent {p} a book."),
    ("{p}'s sister lives in Porto.", "{p}'s mother lives in Porto."),
    ("His flight leaves at noon.", "Her flight leaves at noon."),
    ("{p} eats fish.", "{p} does not eat fish."),
    ("{p} likes horror films.", "{p} never likes horror films."),
    ("The tests pass.", "The tests don't pass."),
    ("{p} drinks coffee with milk.", "{p} drinks coffee without milk."),
    ("{p} is available on Monday.", "{p} is unavailable on Monday."),
    ("{p} has been to Japan.", "{p} has never been to Japan."),
    ("{p} visited Rome.", "{p} will visit Rome."),
    ("{p} lived in Rome.", "{p} lives in Rome."),
    ("{p} used to play chess.", "{p} plays chess."),
    ("The demo was on Tuesday.", "The demo will be on Tuesday."),
    ("{p} works on Mondays.", "{p} works on Tuesdays."),
    ("{p} flies to Oslo on 3 May.", "{p} flies to Oslo on 5 May."),
    ("{p} flew from Oslo to Rome.", "{p} flew from Rome to Oslo."),
    ("{p} went to the dentist.", "{p} went to the dentist again."),
    ("{p} writes C.", "{p} writes C++."),
    ("{p} writes C#.", "{p} writes C++."),
    ("{p} loves jazz.", "{p} hates jazz."),
    ("{p} is taller than {q}.", "{q} is taller than {p}."),
    ("All tests are green.", "Some tests are green."),
    ("{p} sometimes works late.", "{p} always works late."),
    ("{p} must sign the form.", "{p} may sign the form."),
    ("Does {p} like tea?", "{p} likes tea."),
    ("{p} speaks German.", "{p} now speaks German and Dutch too."),
    ("{p} likes tea.", "{p} now likes coffee as well."),
    ("{p} is a nurse.", "{p} is in Oslo now."),
    ("{p} is a mother.", "{p} is a doctor now."),
    ("{p} uses Postgres.", "{p} now uses Vim."),
    ("{p}'s sister is called Ana.", "{p}'s sister is called Bea."),
    ("{p}'s favourite song is Teardrop.", "{p}'s favourite film is Alien."),
    ("{p}'s work phone number is 555 1234.", "{q}'s work phone number is 555 9876."),
    ("{p} lives in Cluj.", "{p} moved to PostgreSQL 15."),
    ("{p} works at Acme.", "{p}'s brother works at Globex."),
    ("{p} bought a red car.", "{p} bought a red scarf."),
    ("The gate is closed at night.", "The gate is open at night."),
    ("{p} gave up sugar.", "{p} gave up coffee."),
    ("If it rains, {p} takes the bus.", "{p} takes the bus."),
    ("{p}'s cat is 3 years old.", "{p}'s dog is 3 years old."),
    ("The backup runs before midnight.", "The backup runs after midnight."),
    ("{p} prefers tea to coffee.", "{p} prefers coffee to tea."),
    ("Project Atlas ends in June.", "Project Apollo ends in June."),
    ("{p} wants to leave Acme.", "{p} left Acme."),
    ("{p} thumbs 👍 the plan.", "{p} thumbs 👎 the plan."),
]


def drawn(kind: list[tuple[str, str]], *, count: int, seed: int) -> Iterator[tuple[str, str]]:
    """`count` pairs with names drawn; no pair comes twice with the same names."""
    chance = random.Random(seed)  # noqa: S311 - drawn again by its seed
    chosen = [
        (pair, chance.sample(PEOPLE, 2)) for pair in kind for _ in range(1 + count // len(kind))
    ]
    chance.shuffle(chosen)
    seen: set[tuple[str, str]] = set()
    for (first, second), (p, q) in chosen:
        said = first.format(p=p, q=q), second.format(p=p, q=q)
        if said not in seen and len(seen) < count:
            seen.add(said)
            yield said
