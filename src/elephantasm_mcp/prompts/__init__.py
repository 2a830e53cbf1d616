"""What language models are told, as text files, so that it can be read and changed as prose.

Owns reading them. Invariant: a prompt is instructions of ours alone; remembered text never gets in.
"""

from functools import cache
from importlib import resources


@cache
def read_prompt(name: str) -> str:
    """The text of `<name>.md`."""
    return (resources.files(__name__) / f"{name}.md").read_text(encoding="utf-8").strip()
