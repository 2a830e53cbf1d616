import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.projects import project_of
from elephantasm_mcp.projects.git import name_of

GITHUB = """[core]
\tbare = false
[remote "origin"]
\turl = {url}
\tfetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
\tremote = origin
"""


def repository(root: Path, *, url: str | None = None, config: str | None = None) -> Path:
    """A checked out repository, as git leaves it behind."""
    git = root / ".git"
    git.mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    text = config if config is not None else GITHUB.format(url=url) if url else "[core]\n"
    (git / "config").write_text(text)
    return root


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/app",
        "https://github.com/acme/app.git",
        "https://github.com/acme/app/",
        "https://GitHub.com/Acme/App.git",
        "https://nadia@github.com/acme/app.git",
        "https://nadia:ghp_secret@github.com/acme/app.git",
        "https://github.com:443/acme/app",
        "git@github.com:acme/app.git",
        "github.com:acme/app",
        "git@github.com:/acme/app.git",
        "ssh://git@github.com/acme/app.git",
        "ssh://git@ssh.github.com:443/acme/app.git",
        "git://github.com/acme/app.git",
        "git+ssh://git@github.com/acme/app",
    ],
)
def test_a_repository_has_one_name_however_its_address_is_spelled(url: str):
    assert name_of(url) == "acme/app"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@gitlab.com:acme/tools/app.git", "gitlab.com/acme/tools/app"),
        ("https://evil.example/acme/app", "evil.example/acme/app"),
        ("ssh://git@git.example.org:2222/app", "git.example.org/app"),
        ("https://github.com/acme", "github.com/acme"),
        ("git@work:acme/app.git", "git:work/acme/app"),
        ("git@acme:app.git", "git:acme/app"),
        ("https://[::1]:8443/acme/app", "::1/acme/app"),
    ],
)
def test_only_github_goes_without_its_host_so_that_no_other_host_can_borrow_a_name(
    url: str, name: str
):
    assert name_of(url) == name


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/srv/git/app.git",
        "../app",
        "C:\\code\\app",
        "C:/code/app",
        "file:///srv/git/app.git",
        "https://github.com/evil/../acme/app",
        "https://github.com/%2e%2e/acme/app",
        "https://github.com/",
        "https://[broken/acme/app",
        "https://github.com/acme/app\x1b[2J",
        f"https://github.com/acme/{'a' * 300}",
    ],
)
def test_what_leads_to_no_repository_on_a_host_gives_no_name(url: str):
    assert name_of(url) is None


@given(
    user=st.text("abcdefg", min_size=1, max_size=8),
    secret=st.text("HIJKLMNOP0123456789_-", min_size=6, max_size=40),
)
def test_neither_user_nor_token_is_ever_in_a_name(user: str, secret: str):
    for url in (
        f"https://{user}:{secret}@example.org/acme/app.git",
        f"https://{secret}@example.org/acme/app",
        f"{secret}@example.org:acme/app.git",
        f"https://example.org/acme/app.git?token={secret}#{secret}",
    ):
        assert name_of(url) == "example.org/acme/app"


@given(st.text(max_size=60))
def test_any_text_as_an_address_gives_a_printable_name_or_none(url: str):
    name = name_of(url)
    assert name is None or (name.isprintable() and 0 < len(name) <= 255)


def test_every_folder_of_a_repository_is_the_same_project(tmp_path: Path):
    root = repository(tmp_path / "code" / "app", url="git@github.com:acme/app.git")
    (root / "src" / "deep").mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(root)
    found = [
        project_of(folder)
        for folder in (root, root / "src" / "deep", link / "src", Path(f"{root}/"))
    ]
    assert {(one.name, one.root, one.source) for one in found} == {
        ("acme/app", root.resolve(), "git remote")
    }


def test_two_clones_of_one_remote_are_one_project(tmp_path: Path):
    one = repository(tmp_path / "one", url="git@github.com:acme/app.git")
    two = repository(tmp_path / "two", url="https://tok3n@github.com/Acme/app")
    assert project_of(one).name == project_of(two).name == "acme/app"


def test_a_worktree_and_a_submodule_are_found_by_their_git_files(tmp_path: Path):
    main = repository(tmp_path / "main", url="git@github.com:acme/app.git")
    own = main / ".git" / "worktrees" / "fix"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/fix\n")
    (own / "commondir").write_text("../..\n")
    worktree = tmp_path / "fix"
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {own}\n")

    module = main / ".git" / "modules" / "lib"
    module.mkdir(parents=True)
    (module / "HEAD").write_text("ref: refs/heads/main\n")
    (module / "config").write_text(GITHUB.format(url="git@github.com:acme/lib.git"))
    submodule = main / "lib"
    submodule.mkdir()
    (submodule / ".git").write_text("gitdir: ../.git/modules/lib\n")

    assert project_of(worktree).name == "acme/app"
    assert project_of(worktree).root == worktree.resolve()
    assert project_of(submodule).name == "acme/lib"


def test_worktrees_of_a_bare_repository_without_a_remote_are_one_project(tmp_path: Path):
    bare = tmp_path / "app.git"
    for name in ("one", "two"):
        own = bare / "worktrees" / name
        own.mkdir(parents=True)
        (own / "HEAD").write_text("ref: refs/heads/x\n")
        (own / "commondir").write_text("../..\n")
        (tmp_path / name).mkdir()
        (tmp_path / name / ".git").write_text(f"gitdir: {own}\n")
    one, two = project_of(tmp_path / "one"), project_of(tmp_path / "two")
    assert one.name == two.name
    assert one.name.startswith("app-")


def test_two_folders_of_one_name_are_two_projects_with_stable_readable_names(tmp_path: Path):
    for place in ("a", "b"):
        (tmp_path / place / "app").mkdir(parents=True)
    one, two = project_of(tmp_path / "a" / "app"), project_of(tmp_path / "b" / "app")
    assert one.name != two.name
    assert one.name.startswith("app-")
    assert one == project_of(tmp_path / "b" / ".." / "a" / "app")
    assert one.source == "root folder"


def test_a_clone_of_a_folder_is_the_same_project_as_that_folder(tmp_path: Path):
    first = repository(tmp_path / "first")
    clone = repository(tmp_path / "clone", url=str(first))
    assert project_of(clone).name == project_of(first).name


def test_the_home_folder_and_what_is_above_it_are_no_project(tmp_path: Path):
    home = repository(tmp_path / "home", url="git@github.com:nadia/dotfiles.git")
    (home / "notes").mkdir()
    for folder in (home, tmp_path, Path("/")):
        assert (project_of(folder, home=home).name, project_of(folder, home=home).source) == (
            "default",
            "none",
        )
    assert project_of(home / "notes", home=home).name.startswith("notes-")


def test_a_folder_that_only_looks_like_a_bare_repository_is_not_believed(tmp_path: Path):
    app = repository(tmp_path / "app", url="https://example.org/stranger/app")
    planted = app / "planted"
    (planted / "objects").mkdir(parents=True)
    (planted / "refs").mkdir()
    (planted / "HEAD").write_text("ref: refs/heads/main\n")
    (planted / "config").write_text(GITHUB.format(url="git@github.com:nadia/private.git"))
    assert project_of(planted).name == "example.org/stranger/app"


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ('[remote "fork"]\nurl = a@b.org:x/y\n[remote "origin"]\nurl = c@d.org:x/y\n', "d.org/x/y"),
        ('[remote "fork"]\nurl = a@b.org:x/y\n[remote "upstream"]\nurl=e@f.org:x/y', "f.org/x/y"),
        ('[remote "only"] url = "https://b.org/x/y" ; mine\n', "b.org/x/y"),
        ('[REMOTE "origin"]\r\n\tURL = https://b.org/\\\r\nx/y # mine\r\n', "b.org/x/y"),
        ('[remote "origin"]\nurl = https://b.org/x/y\nurl = https://c.org/x/y\n', "b.org/x/y"),
    ],
)
def test_origin_is_the_remote_that_counts_and_else_another(tmp_path: Path, config: str, name: str):
    assert project_of(repository(tmp_path / "app", config=config)).name == name


@pytest.mark.parametrize(
    "config", ["", "[", '[remote "origin"', '[remote "origin"]\nurl\n', "\x00\xff", "[core]\n" * 9]
)
def test_a_config_that_names_no_remote_leaves_the_folder(tmp_path: Path, config: str):
    found = project_of(repository(tmp_path / "app", config=config))
    assert (found.source, found.name[:4]) == ("root folder", "app-")


def test_a_git_file_that_leads_nowhere_or_is_no_plain_file_is_as_if_it_were_not_there(
    tmp_path: Path,
):
    for name, text in (("one", "gitdir: ../nowhere\n"), ("two", "gitdir: \0\n"), ("three", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".git").write_text(text)
        assert project_of(tmp_path / name).source == "root folder"
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / ".git")
    assert project_of(tmp_path / "pipe").source == "root folder"


def test_a_folder_that_is_not_there_has_a_project_all_the_same(tmp_path: Path):
    assert project_of(tmp_path / "gone" / "app").name.startswith("app-")
