import hashlib
import shutil
from pathlib import Path

import pytest

from elephantasm_mcp.embedding.bundle import BUNDLED, read_vocabulary, verified
from elephantasm_mcp.errors import ServerError

MODELS = ["paraL3_q8.onnx", "potion8m_int8.npz", "potion_vocab.txt", "vocab.txt"]


def copy_of_models(tmp_path, *names):
    for name in ("SHA256SUMS", *names):
        shutil.copyfile(str(BUNDLED / name), tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", MODELS)
def test_each_bundled_file_is_whole(name):
    with verified(BUNDLED, name) as path:
        assert path.stat().st_size > 0


def test_the_sums_name_exactly_the_bundled_files():
    lines = (BUNDLED / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    assert sorted(line.split()[1] for line in lines) == MODELS


@pytest.mark.parametrize(
    ("model", "grant"),
    [
        ("paraphrase-MiniLM-L3-v2", "Apache License"),
        ("potion-base-8M", "Permission is hereby granted"),
    ],
)
def test_each_model_comes_with_its_licence(model, grant):
    assert grant in (BUNDLED / f"LICENSE-{model}").read_text(encoding="utf-8")


def test_one_changed_byte_is_noticed(tmp_path):
    folder = copy_of_models(tmp_path, "vocab.txt")
    content = (folder / "vocab.txt").read_bytes()
    (folder / "vocab.txt").write_bytes(content[:-2] + b"x\n")
    with pytest.raises(ServerError, match=r"vocab\.txt is damaged") as caught:
        read_vocabulary(folder, "vocab.txt")
    assert "Install elephantasm-mcp again" in caught.value.hint


@pytest.mark.parametrize("missing", ["vocab.txt", "SHA256SUMS"])
def test_a_missing_file_is_said_to_be_missing(tmp_path, missing):
    folder = copy_of_models(tmp_path, "vocab.txt")
    (folder / missing).unlink()
    with pytest.raises(ServerError, match=r"vocab\.txt is missing or unreadable"):
        read_vocabulary(folder, "vocab.txt")


def test_a_file_without_a_listed_sum_is_refused(tmp_path):
    folder = copy_of_models(tmp_path)
    (folder / "other.txt").write_text("a\nb\n")
    with pytest.raises(ServerError, match="damaged"):
        read_vocabulary(folder, "other.txt")


def test_only_line_feeds_separate_the_tokens_of_a_vocabulary(tmp_path):
    content = "a\nb\u2028c\n".encode()
    Path(tmp_path / "tokens.txt").write_bytes(content)
    (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(content).hexdigest()}  tokens.txt\n")
    assert read_vocabulary(tmp_path, "tokens.txt") == ["a", "b\u2028c"]
