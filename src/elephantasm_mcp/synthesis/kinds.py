"""Which kind of knowledge a claim is, by the way it is put.

Owns the patterns of states, plans, possessions, rules, procedures and definitions. Deeds
are `deeds`'. Rewrites nothing.
A preference ("I prefer A over B") is a FACT about the speaker; a rule ("always", "never", "must")
is a PRINCIPLE. Invariant: a claim that fits no pattern has no kind; none is guessed.
"""

import re
from collections.abc import Iterable
from typing import Final

from elephantasm_mcp.synthesis.claims import Claim, is_anchored, says_something
from elephantasm_mcp.synthesis.deeds import is_decision, is_deed
from elephantasm_mcp.synthesis.grammar import ADVERBS, without_when
from elephantasm_mcp.synthesis.words import is_content, plain, spelled
from elephantasm_mcp.types.records import KnowledgeType

_AM: Final = rf"(?:I(?:['’]m| am)|[Ww]e(?:['’]re| are)) {ADVERBS}"
_HAVE: Final = rf"(?:I|[Ww]e)(?:['’]ve| have) {ADVERBS}"
_DO: Final = rf"(?:I|[Ww]e) {ADVERBS}"
_COUNT: Final = r"(?:an?|one|two|three|four|five|six|several|\d+)"

_RELATION: Final = (
    r"(?:\w+ )?(?:wife|husband|partner|girlfriend|boyfriend|fianc[ée]+|spouse|son|daughter|kids"
    r"|children|child|mom|mum|mother|dad|father|parents|sisters?|brothers?|siblings|twins?|family"
    r"|grandma|grandpa|grandmother|grandfather|aunt|uncle|cousins?|niece|nephew|boss|manager"
    r"|colleagues?|mentor|roommate|neighbou?r|best friend|friends?|teammates?|dogs?|cats?|pups?"
    r"|pupp(?:y|ies)|kittens?|turtles|pets?|birthday|name|hometown|home country|job|major|hobby"
    r"|hobbies|goal|budget|salary|deadline|allergy|address|email|time ?zone|company|startup|car"
    r"|favou?rite (?:(?!is|was|are|were|when|part|thing|one)\w+ ){0,2}(?!is\b|was\b|are\b|were\b"
    r"|part|thing|one|moment|memory|memories)\w+)"
)
_POSSESSION: Final = (
    r"(?:wife|husband|partner|sons?|daughters?|kids?|children|sisters?|brothers?|siblings|dogs?"
    r"|cats?|pups?|pupp(?:y|ies)|kittens?|turtles?|birds?|fish|horses?|snakes?|guinea pigs?|pets?"
    r"|allerg(?:y|ies)|cars?|house|apartment|studio|store|degree|phd|master's|bachelor's"
    r"|certificate|company|business|garden|farm|piano|guitar|violin|nephews?|nieces?|twins?"
    r"|scholarship|tattoos?|diabetes|asthma|collection|podcast|blog|channel|internship|job)"
)
_ACTIVITY: Final = (
    r"(?:working (?:at|on|as|for|in|with)|(?:studying|majoring|learning|training|preparing for"
    r"|prepping for|getting ready for|writing|building|developing|designing|volunteering|using"
    r"|teaching|running (?!into|out|late|behind)|launching|creating|collaborating|searching for"
    r"|looking for (?!guidance|advice|help"
    r"|tips|some|ways|ideas)|applying"
    r"|saving|aiming|targeting|focusing on|practicing|practising|playing|mentoring|coaching"
    r"|expanding|organi[sz]ing|taking (?!the time|time|care)|reading|researching|migrating"
    r"|deploying|implementing"
    r"|finali[sz]ing|considering|thinking (?:of|about)|dating|renting|earning|moving|editing"
    r"|targeting|following|tracking|testing|integrating|updating|optimi[sz]ing|putting together"
    r"|teaming up|raising|growing|living|wrapping up|offering|starting (?!to)|getting into)"
    r"(?!,| (?:it|that|this|for [\w ]{0,24}(?:years?|months?|weeks?)|since|a lot|hard|more"
    r"|as usual|well|on (?:it|that|some|myself))\b))"
)
_STATES: Final = (
    re.compile(
        rf"{_AM}(?:not )?an? (?!bit|little|lot|tad|mess|wreck|loss|fool|idiot|huge believer|work in"
        r" progress|few|great|good|big|tough|hard|sucker|mix|step|part of (?:that|it)|firm|fan$"
        r"|\w+ fan$|fan of (?:that|how)|believer|witness|person who)\w.*"
    ),
    re.compile(
        rf"{_AM}(?:not )?(?:allergic to|from [A-Z]|based in|married|single\b|engaged to|divorced"
        r"|retired|vegan|vegetarian|left-handed|pregnant|lactose|gluten|\d+ years old|\d\d$"
        r"|passionate about|keen on|interested in|into|afraid of|scared of|responsible for"
        r"|in charge of|fluent in|originally from|part of|(?:one|a member) of|the (?:\w+ ){1,3}"
        r"(?:at|of|for) (?:[A-Z]|the|our|an?)|in my \w+ (?:year|semester)"
        r"|addicted to|hooked on|enrolled|signed up|obsessed with (?!th)).*"
    ),
    re.compile(r"I(?:['’]m| am) [A-Z][a-z]{2,15}(?=,|$).*"),
    re.compile(
        rf"{_DO}(?:don['’]t |do not )?(?:like|love|enjoy|prefer|hate|dislike|can['’]t stand) "
        r"(?!how|that|what|when|where|the way|seeing|hearing|all|to (?:see|hear|think|know|help)"
        r"|being|having|getting|working with|the\b(?! (?:outdoors|beach|ocean|sea|mountains)\b)"
        r"|in\b|for\b|on\b|an?\b).+"
    ),
    re.compile(
        rf"{_DO}(?:work (?:at|for|as|in|with|from)|live (?:in|with|near|on|alone)|study|teach|own"
        r"|speak|play (?!a (?:big|role|part))|collect|volunteer|manage|coach|practi[cs]e|earn|run"
        r" an?|use|belong to|grew up|used to (?!think|feel|love|be (?:so|really))\w+) .+"
    ),
    re.compile(rf"(?:{_HAVE}(?:got )?|{_DO}own ){_COUNT} (?:[\w-]+ ){{0,3}}{_POSSESSION}\b.*"),
    re.compile(r"I was (?:born|raised)\b.*"),
    re.compile(rf"{_HAVE}(?:never|always) .+"),
    re.compile(
        rf"{_HAVE}been (?:\w+ing (?!for|since)|an? |in |with |married|together).*\b(?:for (?:\w+"
        r" ){0,3}(?:years?|months?|decades?|weeks?)|since)\b.*"
    ),
    re.compile(
        rf"[Mm]y {_RELATION}(?: [A-Z]\w+)?(?:, [^,]{{2,40}},)?(?: also| just| recently"
        rf"| now)? (?:(?:is"
        r"|are|was|were)(?! (?:so|really|super|always|amazing|great|awesome|excited|happy|proud"
        r"|doing"
        r"|everything|the best|my rock|such|just|very|thrilled|stoked)\b)|has|have|had|lives?"
        r"|works?|loves?|likes?|hates?|plays?|teaches|runs|owns"
        r"|studies|got|started|moved|passed|died|bought|gave|came|turned|graduated|lost|joined|owns"
        r"|suggested|recommended|taught|made) .+"
    ),
)
"""True for a while or for good."""
_PASSING: Final = re.compile(r"I (?:have|use) |I['’]ve |.*\d", re.DOTALL)
"""States of which one wants to know when they were so."""
_ACTIVITIES: Final = (
    re.compile(rf"{_AM}{_ACTIVITY} .+"),
    re.compile(rf"{_HAVE}been {_ACTIVITY} .+"),
)
_DOING: Final = re.compile(
    rf"{_AM}(?!having|feeling|trying|getting|wondering|looking|being|thinking|experiencing|seeing"
    r"|encountering|struggling|asking|talking|going|dealing|facing|worrying|running|doing|missing"
    r"|sitting|leaning|debating|starting|loving|wanting|hoping|saying|telling|making sure"
    r"|exciting)\w+ing .+"
)
_PLANS: Final = (
    re.compile(
        rf"{_AM}(?:going to|gonna|planning (?:to|on|an?|my|our)|moving to|starting (?!to)|meeting"
        r"|getting married|flying to|attending|hosting|leaving|presenting|visiting|having|throwing"
        r"|heading to|traveling to|taking (?!it|care|things)|going on|going back to|set to"
        r"|scheduled to|hoping to) (?P<rest>.+)"
    ),
    re.compile(rf"{_DO}plan (?:to|on) (?P<rest>.+)"),
    re.compile(rf"{_DO}want to (?=.*[a-z’'] [A-Z])(?P<rest>.+)"),
    re.compile(
        rf"(?:{_HAVE}(?:got )?|{_DO}have )(?:{_COUNT}|my) [\w\s'’-]{{0,40}}(?:meeting|interview"
        r"|appointment|exam|deadline|flight|call|session|competition|show|tournament|workshop"
        r"|conference|event|race|tryouts?|audition|gig|trip|date)\b(?P<rest>.*)"
    ),
)
_VAGUE_PLAN: Final = re.compile(
    r"(?:be|do|keep|try|continue|stay|make (?:it|sure)|give|work (?:on|hard)|push|see|check|look"
    r"|think|take (?:it|care)|miss|need|have to|help|get (?:back|better|there|through)|chase"
    r"|a (?:great|good|blast|lot|hard|tough|rough|bit)|trouble|fun|problems?|issues?|difficult\w*"
    r"|second|some (?:trouble|issues?))\b"
)
_MATTER: Final = re.compile(
    r"(?:(?:[Mm]y|[Oo]ur) (?P<what>(?:[\w'’-]+ ){1,4}?)|[Tt]he (?:[\w'’-]+ ){0,3}(?:deadline|budget"
    r"|meeting|launch|release|exam|wedding|due date|interview|trip|party|tournament|sprint|opening"
    r" night|price|rent|salary|password policy|version|database|server|repository) )"
    r"(?:is|are|was|were|has|have|will be|starts?|ends?|runs?|handles|uses|takes place) .+"
)
_IDLE_MATTER: Final = re.compile(
    r"\b(?:question|problem|issue|concern|guess|point|thoughts?|mistake|understanding|attempt"
    r"|lists?|function|file|story|confession|feeling|heart|mind|words?|code|error|function|week"
    r"|day|favou?rite|way|part|things?|goal|rules?|polic(?:y|ies)|principles?|conventions?)\b"
)
_HAS: Final = re.compile(
    rf"(?:{_HAVE}got|{_DO}have) (?!to |a (?:question|problem|lot|bit)\b)(?P<what>.+)"
)
_RULES: Final = (
    re.compile(
        r"(?:Please )?(?:[Aa]lways|[Nn]ever) (?!mind|say never|give up|forget|been|seen|had|heard"
        r"|thought|did)[a-z]+ .+"
    ),
    re.compile(r"(?:From now on|Going forward),? .+"),
    re.compile(r"(?:We|I) must (?:always |never |not )?[a-z]+ .+"),
    re.compile(r"We (?:always|never) (?!look|love|had|have|get|got|been|seem)[a-z]+ .+"),
    re.compile(
        r"(?:Our|My|The) (?:team |company |house |golden |first |main |one )?(?:rule|policy"
        r"|principle|convention)s? (?:is|are) .+"
    ),
    re.compile(
        r"(?:The|A|All|Every|Each|Our|My|[A-Z]\w+) ?(?:\w+ ){0,3}(?:must(?: not| never)?|needs?"
        r" to|requires?) .+"
    ),
)
_PROCEDURES: Final = (
    re.compile(
        r"To [a-z]+(?: [^,]{3,80})?, (?:first |just |simply |we |I |always )?(?:run|use|open"
        r"|call|set|press|go|start|stop|restart|execute|type|click|deploy|build|add|install|mix"
        r"|let|put) .+"
    ),
    re.compile(r"First,? .{5,160}?[,;.] (?:and )?then .+"),
    re.compile(
        r"(?:We|I) (?:usually |always |typically |normally )?(?:deploy|release|build|test|back up"
        r"|restart|publish|run|make|cook|prepare|clean|track|organi[sz]e|debug|tune|brew|measure"
        r"|update) .{3,120} (?:with|by \w+ing|using|via) .+"
    ),
    re.compile(
        r"(?:The|My) (?:trick|key|secret|easiest way|best way|recipe|workflow|process|routine)"
        r" (?:to|for|of|is) .+"
    ),
)
_DEFINITIONS: Final = (
    re.compile(r"By [\"“']?[\w -]{2,40}[\"”']? (?:we|I) mean .+"),
    re.compile(r"(?:In [\w ]{3,40}, )?[\"“][^\"”]{2,40}[\"”] (?:means|stands for) .+"),
    re.compile(r"(?:I|[Ww]e) (?:write|use|say|call) .{1,60} (?:to mean|for the) .+"),
    re.compile(
        r"[\"“']?[A-Z][\w-]*(?: [\w-]+){0,3}[\"”']? (?:stands for|is defined as|is short for"
        r"|refers to) .+"
    ),
    re.compile(
        r"An? [\w-]+(?: [\w-]+){0,2} is an? [\w-]+(?: [\w-]+){0,3} (?:that|which|with|for|where"
        r"|in which) .+"
    ),
    re.compile(
        r"[\"“]?[A-Z][\w:'’-]*(?: [\w:'’-]+){0,3}[\"”]? is an? (?:[\w-]+ ){0,4}(?:game|language"
        r"|framework|library|tool|genre|technique|method|dish|sport|protocol|format|novel|series)"
        r"\b.*"
    ),
)


def person_kind(claim: Claim) -> tuple[KnowledgeType, bool] | None:
    """The kind of a claim about its speaker, and whether it needs the day on which it was said."""
    text = without_when(claim.text)
    if not says_something(text):
        return None
    if _fits(text, _STATES) and not claim.turned:
        return KnowledgeType.FACT, bool(_PASSING.match(text))
    if not claim.turned and (_fits(text, _ACTIVITIES) or _does(text) or _has(text)):
        return KnowledgeType.FACT, True
    if is_deed(claim.text, text=text) and not (claim.turned and " that " in text):
        decided = is_decision(text)
        return KnowledgeType.FACT if decided else KnowledgeType.EXPERIENCE, True
    if _is_plan(claim.text, text) and not claim.turned:
        return KnowledgeType.FACT, True
    if _is_matter(claim.text) and not claim.turned:
        return KnowledgeType.FACT, True
    return None


def general_kind(text: str, *, assisted: bool) -> KnowledgeType | None:
    """The kind of what holds for everybody: a rule, a procedure or a definition.

    With `assisted`, "Always …" is an instruction to the assistant; else it may be but a saying.
    """
    if _fits(text, _RULES if assisted else _RULES[1:3]):
        return KnowledgeType.PRINCIPLE
    if _fits(text, _PROCEDURES):
        return KnowledgeType.METHOD
    return KnowledgeType.CONCEPT if _fits(text, _DEFINITIONS) else None


def _fits(text: str, patterns: Iterable[re.Pattern[str]]) -> bool:
    return any(pattern.fullmatch(text) for pattern in patterns)


def _does(text: str) -> bool:
    """Whether it says what they are doing, with a date, a number or a name."""
    return bool(_DOING.fullmatch(text)) and is_anchored(text)


def _has(text: str) -> bool:
    """Whether it says that they have something with a date, a number or a name."""
    match = _HAS.fullmatch(text)
    return bool(match) and not _IDLE_MATTER.search(match["what"]) and is_anchored(match["what"])


def _is_plan(claim: str, text: str) -> bool:
    for pattern in _PLANS:
        match = pattern.fullmatch(text)
        if match and not _VAGUE_PLAN.match(match["rest"]):
            content = sum(is_content(plain(word)) for word in spelled(match["rest"]))
            return content >= 2 or is_anchored(claim)
    return False


def _is_matter(text: str) -> bool:
    """Something of theirs, or of their project, with a date, a number or a name."""
    match = _MATTER.fullmatch(text)
    return bool(match) and not _IDLE_MATTER.search(match["what"] or "") and is_anchored(text)
