"""Installing: our entry, and our hooks, in the files of a client, or out of them.

Owns the order: all files are read and all edits made before the first is written. Does not ask and
does not print. Invariant: what is there already in the same words is not touched.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from elephantasm_mcp.clients import configs, files, hooks
from elephantasm_mcp.clients.command import ends_of_program, in_a_shell
from elephantasm_mcp.clients.files import TextFile
from elephantasm_mcp.clients.hooks import Hooks
from elephantasm_mcp.clients.json_text import JsonValue
from elephantasm_mcp.clients.machine import Machine
from elephantasm_mcp.clients.table import STARTS_BY, Client, Entry, Format, entry_of, is_secret
from elephantasm_mcp.errors import ValidationError

_T = TypeVar("_T")
State = Literal["written", "changed", "replaced", "already", "removed", "absent", "left"]
"""`changed`: an entry of ours says other things now; `replaced`, `left`: it is another's."""
DEFAULT_OF_HOOKS: Final = "claude-code"
"""The client that a hook takes its caller for when it is not told."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to happen to a file."""

    what: Literal["server", "hooks", "server and hooks"]
    file: TextFile
    text: str
    state: State
    secret: bool = False
    """Whether a key is in it, or was."""
    backup: Path | None = None
    """What the file was before; None until it is written, and where there was none."""

    @property
    def changes(self) -> bool:
        """Whether the file will be another."""
        return self.text != self.file.text


def server_file(client: Client, machine: Machine, *, project: Path | None = None) -> Path:
    """The file in which a client has its servers: the user's, or that of a project.

    Raises:
        ValidationError: it has none for projects.
    """
    if project is None:
        return client.file(machine)
    if client.project_file is None:
        raise ValidationError(f"{client.title} has no file for the servers of a project.")
    return project / client.project_file


def entry_in(client: Client, path: Path) -> Entry | None:
    """Our entry as the file has it; None if there is none.

    Raises:
        ValidationError: the file cannot be read or understood; the message names it.
    """
    file = files.load(path)
    return entry_of(
        _understood(path, lambda: configs.value_at(file.text, client.path, client.format))
    )


def is_taken(client: Client, path: Path) -> bool:
    """Whether an entry of somebody else stands where ours would.

    Raises:
        ValidationError: the file cannot be read or understood; the message names it.
    """
    file = files.load(path)
    there = _understood(path, lambda: configs.value_at(file.text, client.path, client.format))
    return there is not None and not _starts_us(there)


def plan_server(client: Client, path: Path, entry: Entry) -> Edit:
    """Put our entry in.

    Raises:
        ValidationError: the file cannot be read, understood or written; the message names it.
    """
    file = files.load(path)
    was = _understood(path, lambda: configs.value_at(file.text, client.path, client.format))
    value = client.shape(entry)
    state: State = "written"
    if was is not None:
        state = "changed" if _starts_us(was) else "replaced"
    if state == "changed":
        value = _keeping(was, value)
    text = _understood(path, lambda: configs.put(file.text, client.path, value, client.format))
    state = state if text != file.text else "already"
    secret = _holds_key(was) or _holds_key(value)
    return _checked(Edit("server", file, text, state, secret=secret))


def plan_nothing(client: Client, path: Path) -> Edit:
    """Leave the file as it is, and see whether our entry is in it.

    Raises:
        ValidationError: the file cannot be read or understood; the message names it.
    """
    there = entry_in(client, path) is not None and not is_taken(client, path)
    file = files.load(path)
    return Edit("server", file, file.text, "already" if there else "absent")


def has_plugin(client: Client, machine: Machine) -> bool:
    """Whether the client has our plugin, which brings the server and the hooks.

    Raises:
        ValidationError: its file cannot be read or understood; the message names it.
    """
    table = hooks.TABLE.get(client.name)
    if table is None:
        return False
    file = files.load(table.file(machine))
    return _understood(file.path, lambda: hooks.plugin_in(file.text, table)) is not None


def with_hooks(
    edit: Edit, client: Client, machine: Machine, *, line: Sequence[str], options: Sequence[str]
) -> list[Edit]:
    """Also have the client call our hooks, if it has any: `line`, the hook, its `options`.

    Raises:
        ValidationError: the file cannot be read, understood or written; the message names it.
    """
    table = hooks.TABLE.get(client.name)
    if table is None:
        return [edit]
    named = () if client.name == DEFAULT_OF_HOOKS else ("--client", client.name)

    def command_of(event: str) -> str:
        words = [*line, "hook", event, *named, *options]
        return in_a_shell(words, windows=machine.system == "windows")

    return _with(edit, table, machine, lambda text: hooks.put(text, table, command_of), "written")


def _with(
    edit: Edit, table: Hooks, machine: Machine, work: Callable[[str], str], state: State
) -> list[Edit]:
    """An edit and what is done about hooks: one edit where both are in one file."""
    path = table.file(machine)
    file = files.load(path)
    same = file.path == edit.file.path
    before = edit.text if same else file.text
    there = _understood(path, lambda: bool(hooks.calls(before, table)))
    text = _understood(path, lambda: work(before))
    if state == "written" and there:
        state = "changed"
    if text == before:
        state = "already" if there else "absent"
    if not same:
        return [edit, _checked(Edit("hooks", file, text, state))]
    both = edit.state if edit.changes else state
    return [_checked(replace(edit, what="server and hooks", text=text, state=both))]


def plan_removal(client: Client, path: Path) -> Edit:
    """Take our entry out; one of somebody else by that name is left.

    Raises:
        ValidationError: the file cannot be read, understood or written; the message names it.
    """
    file = files.load(path)
    if is_taken(client, path):
        return Edit("server", file, file.text, "left")
    was = _understood(path, lambda: configs.value_at(file.text, client.path, client.format))

    def work() -> str:
        made = configs.take_out(file.text, client.path, client.format)
        return made if made == file.text else _without_section(made, file.path, form, has_entry)

    def has_entry(text: str) -> bool:
        return _starts_us(configs.value_at(text, client.path, client.format))

    form = (client.section, client.format)
    text = _understood(path, work)
    state: State = "removed" if text != file.text else "absent"
    return _checked(Edit("server", file, text, state, secret=_holds_key(was)))


def without_hooks(edit: Edit, client: Client, machine: Machine) -> list[Edit]:
    """Also take our hooks out, if the client has any.

    Raises:
        ValidationError: the file cannot be read, understood or written; the message names it.
    """
    table = hooks.TABLE.get(client.name)
    if table is None:
        return [edit]
    path = files.load(table.file(machine)).path

    def work(text: str) -> str:
        made = hooks.take_out(text, table)
        return made if made == text else _without_section(made, path, form, has_calls)

    def has_calls(text: str) -> bool:
        return bool(hooks.calls(text, table))

    form: tuple[str, Format] = (hooks.SECTION, "jsonc" if table.comments else "json")
    return _with(edit, table, machine, work, "removed")


def carry_out(edit: Edit) -> Edit:
    """Write the file, unless it is as it should be; with a key in it, it is its owner's alone.

    Raises:
        ConflictError: somebody else changed it meanwhile.
        ValidationError: it cannot be written.
    """
    if edit.changes:
        return replace(edit, backup=files.save(edit.file, edit.text, secret=edit.secret))
    if edit.secret:
        files.keep_secret(edit.file)
    return edit


def _without_section(
    text: str, path: Path, form: tuple[str, Format], has_ours: Callable[[str], bool]
) -> str:
    """The text without a section that ours left empty, unless it stood in the file before ours.

    That is what the last backup says in which there is nothing of ours.
    """
    section, kind = form
    for backup in reversed(files.backups_of(path)):
        with suppress(ValidationError):  # somebody changed it since
            before = files.load(backup).text
            if not has_ours(before):
                stood = configs.value_at(before, (section,), kind) is not None
                return text if stood else configs.take_out_empty(text, section, kind)
    return configs.take_out_empty(text, section, kind)


def _checked(edit: Edit) -> Edit:
    if edit.changes:
        files.check_writable(edit.file)
    return edit


def _understood(path: Path, work: Callable[[], _T]) -> _T:
    """Do it; what is wrong with the text is said of the file."""
    try:
        return work()
    except ValidationError as error:
        raise ValidationError(
            f"{path} was not changed. {error}",
            hint="Mend it, or copy what `install --print` prints.",
        ) from None


def _starts_us(value: Any) -> bool:  # noqa: ANN401 - what the file holds
    entry = entry_of(value)
    return entry is not None and bool(ends_of_program(entry.line))


def _holds_key(value: Any) -> bool:  # noqa: ANN401 - what the file holds
    """Whether an entry is for nobody else's eyes; of somebody else's entry that is not known."""
    entry = entry_of(value)
    if entry is None or not _starts_us(value):
        return value is not None
    return any(is_secret(name, one) for name, one in entry.env.items())


def _keeping(was: dict[str, JsonValue], value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """An entry in the order in which it stands, with what the client or its user added to it."""
    kept = {key: one for key, one in was.items() if key in value or key not in STARTS_BY}
    return {key: value.get(key, one) for key, one in kept.items()} | value
