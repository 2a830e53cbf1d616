"""Secrets in a text, masked.

Owns what a secret looks like: well-known token formats, key blocks, and values assigned to a name
such as `password` (by `=`, `:` or "is"). Whether to mask is the caller's affair, as are an anima's
own patterns.
Invariant: `redact` is idempotent and takes linear time: every repetition is bounded, or begins
where no other match of the same pattern does.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Check: TypeAlias = Callable[[re.Match[str]], bool]
Mask: TypeAlias = Callable[[str], tuple[str, int]]
"""A text without what is to be masked, and how much that was."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of secret; a group `secret` narrows what is masked, `accepts` has the last word.

    The pattern runs only on texts that hold one of `needles` in some case (5 times as fast).
    """

    kind: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    accepts: Check = bool


def redact(text: str) -> tuple[str, int]:
    """Replace each secret by its kind, as in `[redacted: aws key]`; also say how many.

    Left alone: hashes, UUIDs, base64 of images, phone numbers, placeholders such as `your_api_key`
    and `${TOKEN}`, names and calls in code (`password=read_password()`), and prose.
    """
    total = 0
    held = set(filter(text.lower().__contains__, _NEEDLES))
    for rule in RULES if held else ():
        if not held.isdisjoint(rule.needles):
            text, count = _apply(rule, text)
            total += count
    return text, total


def key_across(text: str, place: int) -> tuple[int, int]:
    """From where to where the private key goes that stands across a place; else the place, twice.

    For texts that are cut before they are masked: a key is longer than other secrets, and nothing
    in its middle tells what it is.
    """
    opened = text.rfind(_KEY_BEGINS, max(0, place - _KEY_CHARS), place + len(_KEY_BEGINS))
    closed = text.find(_KEY_ENDS, max(0, opened), place + _KEY_CHARS)
    if opened < 0 or 0 <= closed < place - _KEY_MARK_CHARS:
        return place, place
    return opened, max(place, closed + _KEY_MARK_CHARS)


def mask_json(value: Any, mask_text: Mask, *, key: str = "") -> Any:  # noqa: ANN401 - any JSON value
    """A JSON value with its texts masked: by their own look, or by the key they stand under."""
    if isinstance(value, dict):
        return {
            mask_json(name, mask_text): mask_json(one, mask_text, key=str(name))
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [mask_json(one, mask_text, key=key) for one in value]
    if not isinstance(value, str):
        return value
    masked, found = mask_text(value)
    named, under_key = mask_text(f"{key}={value}") if key and not found else ("", 0)
    return named.rpartition(f"{key}=")[2] if under_key else masked


_KEY_BEGINS: Final = "-----BEGIN "
_KEY_ENDS: Final = "-----END "
_KEY_MARK_CHARS: Final = 60
"""How long those lines are at most."""
_KEY_CHARS: Final = 16_000
"""How long a private key is at most, with numbers before its lines."""


def _apply(rule: Rule, text: str) -> tuple[str, int]:
    pieces: list[str] = []
    group = "secret" if "secret" in rule.pattern.groupindex else 0
    kept, match = 0, rule.pattern.search(text)
    while match:
        start, resume = match.span(group)
        if rule.accepts(match):
            pieces += (text[kept:start], f"[redacted: {rule.kind}]")
            kept = resume
        else:  # what was refused may hold a secret of its own
            resume = max(start, match.start() + 1)
        match = rule.pattern.search(text, resume)
    return "".join(pieces) + text[kept:], len(pieces) // 2


def _passes_luhn(match: re.Match[str]) -> bool:
    digits = [int(char) for char in match[0] if char.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_STAND_IN: Final = re.compile(  # the beginning of what stands for a secret
    r"(?i)[$%{<(*/]|your|example|change|redacted|x{4}|\*{3}|(?:test|none|null|true|false)$|https?:"
    r"|(?:sha|md|base|oauth|utf|aes|rsa|[hr]s)[-_]?[0-9]+$"
    r"|(?:self|this|process|os|settings|config|request|req)\."
)
_SPEAKING: Final = re.compile(
    r"(?i)pass_?w|secret|api_?key|token|string|required|dummy|sample|\.\.\."
)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)*|[A-Z][A-Z0-9_]+")
_CLASSES: Final = tuple(
    re.compile(chars) for chars in ("[a-z]", "[A-Z]", "[0-9]", r"[^\w\s.,:;/-]")
)


_JUDGED_CHARS: Final = 80
"""No more of a value is looked at: a text may hold a candidate at every other character."""


def _is_placeholder(value: str) -> bool:
    """`<token>`, `your_key`, `os.environ`, `user_password`; not `MySecretP@ss2024!`."""
    if _STAND_IN.match(value):
        return True
    return _SPEAKING.search(value) is not None and _variety(value) < 2


def _variety(value: str) -> int:
    """How many of lower case, upper case, digits and signs occur."""
    return sum(chars.search(value) is not None for chars in _CLASSES)


def _is_random(value: str) -> bool:
    """Letters with digits or signs, or a long mixture of cases; judged by its beginning."""
    value = value[:_JUDGED_CHARS]
    if len(value) < 6 or len(set(value)) < 4 or _is_placeholder(value):
        return False
    if _IDENTIFIER.fullmatch(value):
        return len(value) >= 24 and value.isalpha() and _variety(value) == 2
    digits = _CLASSES[2].search(value) is not None
    signs = _CLASSES[3].search(value[:-1]) is not None
    return any(char.isalpha() for char in value) and (digits or (signs and len(value) >= 8))


def _is_credential(match: re.Match[str]) -> bool:
    value = match["secret"]
    return not _is_placeholder(value) and _variety(value) >= 2 and len(set(value)) >= 4


def _is_assigned_secret(match: re.Match[str]) -> bool:
    value = match["secret"]
    if match["quote"]:
        return " " not in value and (_is_random(value) or _is_plain_password(match))
    called = match.string[match.end() : match.end() + 1] in ("(", "[")
    return not called and (_is_random(value) or _is_plain_password(match))


def _is_plain_password(match: re.Match[str]) -> bool:
    """`password=19841203`, `"password": "swordfish"`: digits, or a word that stands as data."""
    value = match["secret"]
    if match["key"][0] not in "pP_" or len(set(value)) < 4 or _is_placeholder(value):
        return False
    if value.isdigit():
        return len(value) >= 6
    as_data = bool(match["quote"]) and match["sign"] == ":"
    return as_data and len(value) >= 8 and value.isalpha()


def _is_url_password(match: re.Match[str]) -> bool:
    return match["secret"][0] not in "$%{<*[("


# A token begins at the edge of a word, or behind an escaped newline or tab.
_EDGE: Final = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))"
_MARK: Final = r"(?!\[redacted: )"


def _rule(kind: str, needles: str, pattern: str, accepts: Check = bool) -> Rule:
    return Rule(kind, tuple(needles.split()), re.compile(pattern), accepts)


def _token(kind: str, needles: str, pattern: str) -> Rule:
    return _rule(kind, needles, _EDGE + pattern)


RULES: Final = (
    _rule(
        "private key",
        "-----begin",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:(?!-----BEGIN |-----END )[\s\S])*-----END [A-Z0-9 ]{0,40}-----",
    ),
    _rule(  # unterminated: headers, then all that looks like a key's lines
        "private key",
        "-----begin",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])*"
        r"(?:[A-Za-z-]{1,30}: [^\n]{0,200}\n\s*){0,5}"
        r"(?:[A-Za-z0-9+/=]{16,}(?:\s|\\[nr])*)+",
    ),
    _token("aws key", "akia asia", r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _rule(
        "aws key",
        "secret",
        r"(?i:secret_?(?:access_?)?key)[\"']?\s{0,4}(?:=>|[:=])\s{0,4}[\"']?"
        r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
    ),
    _token("github token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{30,}"),
    _token("github token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,}"),
    _token("gitlab token", "glpat-", r"glpat-[A-Za-z0-9_.-]{20,}"),
    _token("slack token", "xox xapp-", r"(?:xox[a-z]|xapp)-[0-9][A-Za-z0-9-]{9,}"),
    _rule(
        "webhook",
        "hooks.slack",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{16,}",
    ),
    _rule(
        "webhook", "/webhooks/", r"discord(?:app)?\.com/api/webhooks/[0-9]{5,20}/[A-Za-z0-9_-]{20,}"
    ),
    _token("anthropic key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{16,}"),
    _token(
        "openai key",
        "sk-",
        r"sk-(?:(?:proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{16,}|[A-Za-z0-9]{20,}(?![\w-]))",
    ),
    _token(
        "api key",
        "_live_ _test_ whsec_",
        r"(?:[sr]k_(?:live|test)_[A-Za-z0-9_-]{10,}|whsec_[A-Za-z0-9+/=_-]{16,})",
    ),
    _token("google key", "aiza", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _token("npm token", "npm_", r"npm_[A-Za-z0-9]{30,}"),
    _token("pypi token", "pypi-", r"pypi-[A-Za-z0-9_-]{50,}"),
    _token("hugging face token", "hf_", r"hf_[A-Za-z0-9]{30,}"),
    _token("telegram token", ":", r"(?:bot)?[0-9]{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _token("jwt", "eyj", r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{8,}){2,4}"),
    _rule(
        "password",
        "://",
        r"://[^\s:/@\"'<>]{0,100}:(?P<secret>" + _MARK + r"[^\s/@\"'<>]{1,200})@",
        _is_url_password,
    ),
    _rule(
        "credential",
        "authorization",
        r"(?i:authorization)\\?[\"']?\s{0,4}[:=,]\s{0,4}\\?[\"']?(?i:bearer|basic|token)\s{1,4}"
        r"(?P<secret>" + _MARK + r"[A-Za-z0-9._~+/=-]{8,})",
        _is_credential,
    ),
    _rule(
        "password",
        "pass pwd secret api-key api_key apikey token private-key private_key privatekey",
        r"(?P<key>(?i:password|passwd|passphrase|pwd|_pass|secret(?:[_-]?(?:access[_-]?)?key)?|api[_-]?key"
        r"|(?:access|auth|refresh|api|bot)[_-]?token|private[_-]?key))"
        r"(?:\\?[\"'`]|\\?[\"']\])?(?:\s{0,4}:\s{0,4}[Ss]tr(?:ing)?(?=\s{0,4}=))?"
        r"\s{0,4}(?P<sign>=>|:=|[:=]|(?<=\s)is(?=\s))\s{0,4}"
        r"(?P<quote>\\?[\"'`])?(?P<secret>" + _MARK + r"(?(quote)"
        r"(?:(?!(?P=quote))(?:\\.|[^\n\\])){1,2000}"
        r"|[^\s\"'`,;&|<>(){}\[\]\\]{1,300}[A-Za-z0-9_-]*))(?(quote)(?P=quote))",
        _is_assigned_secret,
    ),
    _rule(
        "card number",
        "0 1 2 3 4 5 6 7 8 9",
        r"(?<![\w.+-])(?:3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}"
        r"|[2-6][0-9]{3}(?:[ -]?[0-9]{4}){3})(?![\w-]|\.[0-9])",
        _passes_luhn,
    ),
    _rule(  # the rarer lengths, 13 to 19
        "card number",
        "0 1 2 3 4 5 6 7 8 9",
        r"(?<![\w.+-])[2-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,4}(?:[ -]?[0-9]{1,3})?"
        r"(?![\w-]|\.[0-9])",
        _passes_luhn,
    ),
)
"""In order of precision: a token in an assignment keeps the name of its format."""
_NEEDLES: Final = tuple({one: None for rule in RULES for one in rule.needles})
"""Each asked for once, though several rules have it."""
