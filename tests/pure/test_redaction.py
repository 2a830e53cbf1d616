import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elephantasm_mcp.pure.redaction import redact

BENCH = Path(__file__).parents[2] / ".." / "shared" / "bench"

# Put together here, so that no scanner takes this file for a leak.
LETTERS = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY" * 8
PEM = "-----{} RSA PRIVATE" + " KEY-----"
KEY_LINES = "\n".join([LETTERS[:64]] * 3)
JWT = ".".join(("eyJ" + LETTERS[:20], "eyJ" + LETTERS[:40], LETTERS[:43]))
CARD = "4111 1111 " + "1111 1111"

TOKENS = {
    "AKIA" + "IOSFODNN7ABCDEFG": "aws key",
    "ghp_" + LETTERS[:36]: "github token",
    "ghs_" + LETTERS[:36]: "github token",
    "github_pat_" + LETTERS[:22] + "_" + LETTERS[:59]: "github token",
    "glpat-" + LETTERS[:20]: "gitlab token",
    "xoxb-" + "123456789012-" + LETTERS[:24]: "slack token",
    "sk-" + LETTERS[:48]: "openai key",
    "sk-proj-" + LETTERS[:80]: "openai key",
    "sk-ant-" + "api03-" + LETTERS[:90]: "anthropic key",
    "sk_live_" + LETTERS[:24]: "api key",
    "rk_live_" + LETTERS[:24]: "api key",
    "whsec_" + LETTERS[:32]: "api key",
    "AIza" + LETTERS[:35]: "google key",
    "npm_" + LETTERS[:36]: "npm token",
    "pypi-" + "AgEI" + LETTERS[:120]: "pypi token",
    "hf_" + LETTERS[:34]: "hugging face token",
    "123456789:" + "AA" + LETTERS[:33]: "telegram token",
    JWT: "jwt",
    PEM.format("BEGIN") + f"\n{KEY_LINES}\n" + PEM.format("END"): "private key",
    PEM.format("BEGIN") + f"\n{KEY_LINES}": "private key",
    CARD: "card number",
    CARD.replace(" ", "-"): "card number",
    CARD.replace(" ", ""): "card number",
    "3782 822463 " + "10005": "card number",
}


@pytest.mark.parametrize(("token", "kind"), TOKENS.items())
def test_a_token_is_replaced_by_its_kind(token: str, kind: str) -> None:
    assert redact(f"Use {token}, please.") == (f"Use [redacted: {kind}], please.", 1)


def test_a_webhook_loses_its_secret_path() -> None:
    url = "https://hooks.slack.com/" + "services/T0000/B0000/" + LETTERS[:24]
    assert redact(url) == ("https://[redacted: webhook]", 1)


def test_only_the_password_of_a_url_is_masked() -> None:
    url = "postgres://billing:" + "s3cr3t!" + "@db.example.com:5432/app"
    masked = "postgres://billing:[redacted: password]@db.example.com:5432/app"
    assert redact(url) == (masked, 1)


@pytest.mark.parametrize(
    ("before", "secret", "after", "kind"),
    [
        ("password=", "hunter2abc", "", "password"),
        ("DB_PASSWORD=", "Tr0ub4dor-3", "\nDEBUG=1", "password"),
        ('{"password": "', "swordfish", '"}', "password"),
        ('{\\"passwd\\": \\"', "hunter2abc", '\\"}', "password"),
        ("'api_key': '", "8f14e45fceea167a", "'", "password"),
        ("apiKey: ", "8f14e45fceea167a", "", "password"),
        ("client_secret = ", "Q~8f14e45fceea", " # rotate", "password"),
        ("auth-token: ", "8f14e45fceea167a", "", "password"),
        ("password: str = '", "pa$$w0rD!x", "'", "password"),
        ("pwd=", "19841203", "", "password"),
        ("My password is ", "hunter2abc", ", keep it.", "password"),
        ("aws_secret_access_key = ", LETTERS[:40], "", "aws key"),
        ("Authorization: Bearer ", "8f14e45fceea167a", "", "credential"),
        ('-H "authorization: Basic ', "dXNlcjpwYXNz", '" x', "credential"),
    ],
)
def test_an_assigned_value_is_masked_and_its_name_stays(
    before: str, secret: str, after: str, kind: str
) -> None:
    assert redact(before + secret + after) == (f"{before}[redacted: {kind}]{after}", 1)


def test_each_secret_counts() -> None:
    text = "; ".join(TOKENS)
    masked, count = redact(text)
    assert count == len(TOKENS)
    assert not any(token in masked for token in TOKENS)


def test_a_secret_inside_a_refused_value_is_found() -> None:
    text = 'secret: "my {}"'
    assert redact(text.format("password=" + "hunter2abc!")) == (
        text.format("password=[redacted: password]"),
        1,
    )


@pytest.mark.parametrize(
    "text",
    [
        "Send me the password reset link; my password: I forgot it. The password is required.",
        "The secret: always stir slowly. Secret=sauce. A state-of-the-art api_key: rotation.",
        "password=read_password() or os.environ['PASSWORD'] or settings.password",
        'password = request.form["password"]; api_key=config.api_key',
        "api_key=YOUR_API_KEY api_key=${API_KEY} secret=<secret> token: {{ token }}",
        '{"password": "string", "api_key": "your_api_key_123", "secret": "********"}',
        "Authorization: Bearer <token>; Authorization: Bearer YOUR_TOKEN",
        "postgres://billing@db/app and postgres://u:${PASSWORD}@db and http://[::1]:8080/a@b",
        "commit " + hashlib.sha1(b"x", usedforsecurity=False).hexdigest(),
        "sha256:" + hashlib.sha256(b"x").hexdigest(),
        "123e4567-e89b-12d3-a456-426614174000 and 00000000-0000-0000-0000-000000000000",
        "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 8).decode(),
        "Call +49 30 1234 5678 90 or (555) 123-4567 or 0151 2345 6789",
        "4111 1111 1111 1112, 0000 0000 0000 0000, at 1700000000000 ms; 0.41111111111111",
        "sk-learn-style-kebab-case and task-force-one and the risk-averse",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == (text, 0)


FRAGMENTS = st.one_of(
    st.sampled_from(
        [
            *TOKENS,
            *("password=", "api_key: ", '"', "'", "://u:", "@", "[redacted: ", "]"),
            *("\\n", "_", "-", ".", ";", "Authorization: ", "Bearer "),
            " ",
            "\n",
            "[redacted: password]",
            "hunter2abc",
            LETTERS,
        ]
    ),
    st.text(max_size=5),
)


@given(st.lists(FRAGMENTS, max_size=8).map("".join))
@settings(max_examples=500, deadline=None)
def test_what_is_masked_stays_the_same_when_masked_again(text: str) -> None:
    masked, _ = redact(text)
    assert redact(masked) == (masked, 0)


@pytest.mark.parametrize(
    "unit",
    [
        "a", "1", " ", "\n", "\\", "4111 ", "eyJ", "eyJaaaaaaaa.", "sk-ant-", "xoxb-1", "://",
        "://a:", "password:", "password=", 'password="', "password: str ", '"password":"\\',
        "secret_key=", "authorization: bearer ", "1234567890:", PEM.format("BEGIN"),
        PEM.format("BEGIN") + "a: b\n",
    ],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    redact(unit * (1_000_000 // len(unit)))


def test_real_conversations_lose_next_to_nothing() -> None:
    if not BENCH.exists():
        pytest.skip("no benchmark data here")
    counts = {
        path.name: sum(
            redact(turn["text"])[1]
            for conversation in json.loads(path.read_text())["conversations"]
            for turn in conversation["turns"]
        )
        for path in BENCH.glob("*.json")
    }
    # The one in BEAM is a salted password hash behind "password:".
    assert sum(counts.values()) <= 2, counts
