"""`completion`: what shells offer once they have read it, in the shells that there are."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from programs import DEADLINE_S, Cli

from elephantasm_mcp.cli.main import COMMANDS

ASK_BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
function=$(complete -p elephantasm-mcp | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$function" elephantasm-mcp "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
ASKED = [
    (["se"], {"search", "serve"}),
    (["dream", "u"], {"undo"}),
    (["search", "--lim"], {"--limit"}),
    (["serve", "--transport", ""], {"stdio", "http", "sse"}),
    (["completion", ""], {"bash", "zsh", "fish"}),
    (["install", "c"], {"claude-desktop", "claude-code", "cursor", "codex"}),
    (["uninstall", "z"], {"zed"}),
    (["hook", "SessionS"], {"SessionStart"}),
    (["--database", "mem"], {"memory.sqlite3"}),
]
CHECKS = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}


@pytest.fixture
def script(cli: Cli, tmp_path: Path):
    """Makes the script for a shell."""

    def write(shell: str) -> Path:
        done = cli("completion", shell)
        assert (done.code, done.err) == (0, "")
        file = tmp_path / f"completion.{shell}"
        file.write_text(done.out, encoding="utf-8")
        return file

    return write


def run(*command: object, folder: Path) -> str:
    """What a program prints that works."""
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S, check=True
    ).stdout


@pytest.mark.parametrize(("words", "offered"), ASKED, ids=[" ".join(one) for one, _ in ASKED])
def test_bash_completes_commands_options_values_and_files(
    words: list[str], offered: set[str], script, tmp_path: Path
):
    (tmp_path / "memory.sqlite3").touch()
    asked = ["bash", "-c", ASK_BASH, "-", script("bash"), "elephantasm-mcp", *words]
    assert set(run(*asked, folder=tmp_path).split()) == offered


def test_bash_reads_it_without_a_file_in_between(tmp_path: Path):
    program = tmp_path / "elephantasm-mcp"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m elephantasm_mcp "$@"\n')
    program.chmod(0o700)
    asked = f"PATH={tmp_path}:$PATH; source <(elephantasm-mcp completion bash); complete -p"
    assert run("bash", "-c", asked, folder=tmp_path).rstrip().endswith(" elephantasm-mcp")


def test_zsh_takes_it_in_with_eval(script, tmp_path: Path):
    """Where there is no zsh, only that what it would offer is in the script."""
    written = script("zsh")
    assert "claude-code" in written.read_text(encoding="utf-8")
    if shutil.which("zsh"):
        registered = f'autoload -U compinit; compinit -u; eval "$(cat {written})"; echo ${{_comps'
        asked = registered + "[elephantasm-mcp]}"
        assert run("zsh", "-f", "-c", asked, folder=tmp_path).strip().startswith("_")


def test_fish_completes_commands_and_values(script, tmp_path: Path):
    """Where there is no fish, only that what it would offer is in the script."""
    for words, offered in ASKED[:2] + ASKED[3:8]:
        if shutil.which("fish") is None:
            text = script("fish").read_text(encoding="utf-8")
            assert all(one in text for one in offered)
            continue
        asked = f'source {script("fish")}; complete -C "elephantasm-mcp {" ".join(words)}"'
        lines = run("fish", "-c", asked, folder=tmp_path).splitlines()
        assert {line.split("\t")[0] for line in lines} == offered


@pytest.mark.parametrize("shell", CHECKS)
def test_every_command_is_offered_in_a_script_without_errors(shell: str, script, tmp_path: Path):
    written = script(shell)
    text = written.read_text(encoding="utf-8")
    missing = [one.name for one in COMMANDS if one.name not in text]
    assert missing == []
    if shell != "bash":  # which shows no descriptions
        assert COMMANDS[-1].summary in text
    if shutil.which(shell):
        run(*CHECKS[shell], written, folder=tmp_path)


def test_an_unknown_shell_names_the_known_ones(cli: Cli):
    done = cli("completion", "bahs")
    assert done.code == 2
    assert "Did you mean 'bash'? Known: bash, zsh, fish." in done.err
