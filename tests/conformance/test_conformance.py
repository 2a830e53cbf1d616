"""The official conformance suite: over the shipped server with its fixtures, and over it alone."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from nodes import FETCH_S, RUN_S, run_node
from speaking import http_server

pytestmark = pytest.mark.timeout(FETCH_S + RUN_S)  # the first test has the packages fetched
SUITE = Path("@modelcontextprotocol", "conformance")
OVERLAY = Path(__file__).with_name("overlay.py")
REVISIONS = ("2025-11-25", "2026-07-28")
LINE = re.compile(r"^([✓✗]) (\S+): (\d+) passed, (\d+) failed$", re.MULTILINE)
GENERIC = {
    "2025-11-25": {
        "server-initialize",
        "ping",
        "tools-list",
        "resources-list",
        "prompts-list",
        "server-sse-multiple-streams",
        "dns-rebinding-protection",
        "server-session-lifecycle",
    },
    "2026-07-28": {
        "tools-list",
        "resources-list",
        "sep-2164-resource-not-found",
        "prompts-list",
        "server-sse-multiple-streams",
        "dns-rebinding-protection",
        "caching",
        "input-required-result-unsupported-methods",
        "http-header-validation",
    },
}
"""Scenarios that need no fixture, whether scored or not."""
NEEDS_FIXTURES = {
    "sep-2575-server-rejects-undeclared-capability",
    "sep-2575-missing-capability-http-400",
    "sep-2575-server-sends-prompts-list-changed-on-subscription",
    "sep-2575-server-sends-tools-list-changed-on-subscription",
}
"""Checks of `server-stateless` that call tools of the suite's."""


@dataclass(frozen=True)
class Verdict:
    """What the suite says of a server."""

    code: int
    output: str
    passed: frozenset[str]
    checks: dict[str, list[dict[str, Any]]]


def judge(url: str, revision: str, *, node_modules: Path, folder: Path) -> Verdict:
    """Run what a revision of the specification requires against a server."""
    results = folder / "results"
    done = run_node(
        node_modules / SUITE / "dist" / "index.js",
        "server",
        *("--url", f"{url}/mcp", "--requirements", revision, "--output-dir", str(results)),
        home=folder,
    )
    passed = frozenset(
        name for mark, name, good, _ in LINE.findall(done.stdout) if mark == "✓" and int(good)
    )
    checks = {
        file.parent.name.removeprefix("server-")[: -len("-2026-01-01T00-00-00-000Z")]: json.loads(
            file.read_text(encoding="utf-8")
        )
        for file in results.glob("*/checks.json")
    }
    return Verdict(done.returncode, done.stdout + done.stderr, passed, checks)


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_scored_scenario_passes_over_the_server_with_the_suites_fixtures(
    revision: str, node_modules: Path, database: Path, tmp_path: Path
) -> None:
    required = node_modules / SUITE / "requirements" / f"{revision}.yaml"
    scored = set(yaml.safe_load(required.read_text(encoding="utf-8"))["server"])
    with http_server(database, program=[sys.executable, str(OVERLAY)]) as (_, url):
        verdict = judge(url, revision, node_modules=node_modules, folder=tmp_path)
    assert scored <= verdict.passed, verdict.output
    assert verdict.code == 0, verdict.output
    unmet = [
        (name, check["id"], check["status"])
        for name, checks in verdict.checks.items()
        for check in checks
        if name in scored and check["status"] not in {"SUCCESS", "INFO"}
    ]
    assert unmet == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_generic_scenarios_pass_over_the_shipped_server_alone(
    revision: str, node_modules: Path, database: Path, tmp_path: Path
) -> None:
    with http_server(database) as (_, url):
        verdict = judge(url, revision, node_modules=node_modules, folder=tmp_path)
    assert verdict.passed >= GENERIC[revision], verdict.output
    missed = {
        check["id"]
        for check in verdict.checks.get("server-stateless", [])
        if check["status"] not in {"SUCCESS", "INFO"}
    }
    assert missed <= NEEDS_FIXTURES
