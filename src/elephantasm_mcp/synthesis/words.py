"""English word lists and tokens, on which scoring, topics and episode cuts rest.

Owns the small background of common words and of feelings, and the crude stem. Knows no events and
no grammar.
Invariant: every pattern here is linear in the length of its input.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

_WORD: Final = re.compile(r"[^\W_]+(?:['’.\-][^\W_]+)*")
_CJK: Final = re.compile(r"[぀-ヿ㐀-鿿가-힯豈-﫿]")


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is written as text."""
    return frozenset(text.split())


FUNCTION: Final = word_set(
    """a about above across after again against ago all almost alone along alongside already also
    although always am amid amidst among an and another any anyone anything are around as at
    away back be became because been before being below besides between beyond both but by can
    can't cannot could couldn't did didn't despite do does doesn't doing don't done down during
    each either else enough especially etc even ever every everyone everything few first for
    from further gonna got gotta had hadn't has hasn't have haven't having he he's her here
    here's hers herself him himself his how how's however i i'd i'll i'm i've if in instead into
    is isn't it it'd it'll it's its itself just kinda last least less let let's like ll many may
    maybe me might mine more most mostly much must my myself near never next no nobody none nor
    not nothing now of off often on once one ones only onto or other others our ours ourselves
    out over own per perhaps quite rather really s same she she's should since so some somebody
    someone something sometimes soon sorta still such sure than that that'd that'll that's the
    their theirs them themselves then there there's these they they'd they'll they're they've
    this those though three through throughout thus till to together too toward towards two
    under unlike until up upon us usually versus very via wanna was wasn't we we'd we'll we're
    we've well were weren't what what's when where where's whether which while who who's whole
    whom whose why will with within without won't would wouldn't yeah yep yes yet you you'd
    you'll you're you've your yours yourself"""
)
"""Words that carry grammar, not content."""

COMMON: Final = word_set(
    """oh am pm cheers yup yay nah aww haha able absolutely accomplish achieve achieved act actual
    actually add added adding additional advice agree ahead amazing answer anytime appreciate
    appreciated approach area areas aspect aspects ask asked asking available awesome bad based
    basic beautiful become begin beginning believe best better big bit blast bless blown boost
    bring brings bro brought build building busy buy call called came care case cause certain
    certainly chance change changed changes chat check checked choose clear clearly close
    combine come comes coming common complete completely congrats congratulations consider
    considering continue cool could couple crazy create created creating cute current currently
    daily dang day days deal decide decided deep definitely definite detail details difference
    different difficult dig doubt each earlier early easier easily easy effective either else
    end ends enjoy enjoyed enjoying ensure entire everybody everyday everywhere exactly example
    examples excellent excited exciting experience explain extra fab fabulous fact family
    fantastic far fast favorite feel feeling feelings feels fellow felt figure fill final
    finally find fine fix focus folks follow following forget forward found free friend friends
    full fully fun future gave general get gets getting give given gives giving glad go goal
    goals goes going gone good gorgeous got great guess guy guys half hand handle hands happen
    happened happening happy hard hate head hear heard heart hello help helped helpful helping
    helps hey hi high hit hmm hold home hope hopefully hoping hour hours huge hug hugs idea
    ideas imagine impact implement important impressive improve include included includes
    including incredible incredibly info information inspire inspired inspiring interested
    interesting issue issues job join journey joy keep keeping keeps key kid kidding kids kind
    kinds knew know knowing known large late lately later lead learn learned learning leave left
    let life light likely line list listen little live lives living load loads long longer look
    looked looking looks lot lots love loved lovely loves loving low luck lucky made main major
    make makes making man manage matter matters maybe mean meaningful means meet mention
    mentioned mind minute minutes miss moment moments month months morning motivated motivating
    move moved moving name need needed needs new nice night nope note nothing number obviously
    ok okay old open opportunity option options order outside overall part particular
    particularly parts past pay people perfect person personal personally pic pick pics picture
    piece place places plan planned planning plans play plenty plus point points positive
    possible potential powerful practice present pretty prevent previous probably problem
    problems process progress project proper properly proud provide pull put question questions
    quick quickly quiet random read ready real realize realized really reason reasons recent
    recently recommend regular related relax remember remind reminds respond response rest
    result results rewarding right rock run running safe said sample save saw say saying says
    second section see seeing seem seems seen sense series serious set setting several share
    shared shares sharing short show showed showing shown shows side similar simple simply
    single situation situations slow small solid somehow somewhat sort sound sounds special
    specific spend spending spent spot stand start started starting starts stay step steps stick
    stop stories story strength strong stuck stuff style suggest suggested suggestions super
    support supportive supporting supported sweet take taken takes taking talk talked talking
    tell terms thank thanks thankful thing things think thinking thought thoughts thrilled time
    times tip tips today together told tomorrow tonight took top total totally touch tough town
    track tried true truly trust try trying turn turned type types understand understanding
    unique update upset use used useful user users using usual vibe vibes view visit wait walk
    wanna want wanted wants warm watch way ways week weekend weeks welcome went weird whatever
    whenever white wish woah wonder wonderful wondering wont word words work worked working
    works world worried worry worth wow write wrong year years yesterday yet yourself worries
    incorporate address develop detailed structured various photo photos image images favourite
    kindness worthwhile stunning appreciation essential crucial valuable vital"""
)
"""Words too frequent in chats to say what one is about."""

FEELING: Final = word_set(
    """accept acceptance adventure amazed anxious balance beauty bless blessed blessing blessings
    bond bonding bonds bravery brave calm calming calmness chaos cherish cherished chill comfort
    comfortable comforting compassion confidence confident connect connected connecting
    connection connections courage courageous creativity curious dedicated dedication delight
    determination determined dream dreams drive effort efforts embrace emotion emotional
    emotions empathy empower empowering encourage encouragement encouraging energy enthusiasm
    epic escape faith fail failure fear fears feedback flow focused free freedom frustrated
    frustrating fulfilled fulfilling grace grateful gratitude grow growing growth happier
    happiest happiness harmony heartwarming hopeful hopes inclusivity inner insight insights
    inspiration inspirational joyful kindness limit limits lonely loving luck magical meaning
    memorable memories memory mindset mood motivate motivates motivation nerve-wracking nervous
    nurture obstacle obstacles opportunities optimism optimistic overcome overcoming overwhelmed
    overwhelming passion passionate passions path peace peaceful persevere perseverance
    perspective perspectives pleasure positivity precious pride proud pumped purpose push pushed
    pushing refreshed refreshing rejuvenating relaxation relaxed relaxing relief reminder
    resilience resilient ride roller rollercoaster sad satisfaction satisfied satisfying scared
    scary self-care sensation serene serenity setback setbacks smile smiles soothing soul souls
    spark sparks spirit spirits stoked strengths stress stressed stressful struggle struggled
    struggles success successful surreal talent tension terrified therapeutic thrill thrilling
    tired touched touching tranquil tranquility truth uplift uplifting unforgettable unity
    unreal vibrant victory vision wellbeing well-being wild wonders worthwhile worries yay"""
)
"""Words of feeling and encouragement: they fill chats, and rarely are what one looks up."""

_IDLE: Final = FUNCTION | COMMON | FEELING


class Token(NamedTuple):
    """A word with its place in the text it was read from, and its lower-case form."""

    start: int
    end: int
    text: str
    lower: str


def tokens(text: str) -> list[Token]:
    """The words of `text` in order; inner apostrophes, dots and hyphens belong to a word."""
    plain = text.replace("’", "'").lower()
    if len(plain) != len(text):  # a few letters grow when lowered
        plain = text
    return [
        Token(start, end, text[start:end], plain[start:end])
        for start, end in (match.span() for match in _WORD.finditer(text))
    ]


def count_words(text: str) -> int:
    """Words by white space; two CJK characters count as one more word."""
    wide = 0 if text.isascii() else len(_CJK.findall(text)) // 2
    return len(text.split()) + wide


def stem(word: str) -> str:
    """A crude English stem of a lower-case word: enough to match "races" with "race"."""
    word = word.removesuffix("'s")
    for suffix in ("ing", "ed", "es", "s"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3 and not word.endswith("ss"):
            return word.removesuffix(suffix).removesuffix("e")
    return word.removesuffix("e") if len(word) > 3 else word


def is_content(word: str) -> bool:
    """Whether a lower-case word says something: no grammar, common or feeling, nor one letter."""
    return len(word) > 1 and word not in _IDLE


def spelled(text: str) -> list[str]:
    """The words of `text` as they are written."""
    return _WORD.findall(text)


@lru_cache(maxsize=1 << 15)
def plain(word: str) -> str:
    """A word in lower case with a straight apostrophe. Remembers words, never texts."""
    return word.replace("’", "'").lower()


def is_capital(word: str) -> bool:
    """Whether a word is written with a capital letter, and is no form of "I"."""
    return word[0].isupper() and word != "I" and word[:2] not in {"I'", "I’"}


@lru_cache(maxsize=1 << 15)
def content_stem(word: str) -> str:
    """The stem of a content word, "" for any other. Remembers words, never texts."""
    return stem(word) if is_content(word) else ""


def is_english(text: str) -> bool:
    """Whether enough of the first 300 words are English function words to trust the word lists."""
    words = [plain(word) for word in spelled(text[:4000])][:300]
    if not words:
        return False
    return sum(word in FUNCTION for word in words) >= max(1, int(0.15 * len(words)))
