"""Scrubbing: no deleted byte is left in the files, whoever reads meanwhile."""

import apsw

from elephantasm_mcp.store.sqlite.database import open_database
from scenes import tamper


async def test_a_scrub_leaves_no_deleted_byte_in_the_files(tmp_path):
    path = tmp_path / "scrubbed.sqlite3"
    async with open_database(path) as database:
        await database.write(lambda tx: tx.run("add_property", key="k", value="gone for good"))
        await database.write(lambda tx: tx.run("add_property", key="l", value="still here"))
        tamper(path, "DELETE FROM properties WHERE key = 'k'")
        scrubbed = await database.scrub()
        assert (scrubbed.problems, scrubbed.removed) == ((), ())
        written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"gone for good" not in written
    assert b"still here" in written


async def test_a_scrub_says_that_somebody_reads_on_and_works_once_they_have_ended(tmp_path):
    path = tmp_path / "read.sqlite3"
    async with open_database(path, scrub_timeout_s=0.2) as database:
        await database.write(lambda tx: tx.run("add_property", key="k", value="gone for good"))
        reader = apsw.Connection(str(path))
        reader.execute("BEGIN")
        list(reader.execute("SELECT * FROM properties"))
        tamper(path, "DELETE FROM properties WHERE key = 'k'")
        (problem,) = (await database.scrub()).problems
        assert "keeps reading" in problem
        await database.write(lambda tx: tx.run("add_property", key="l", value="written meanwhile"))
        reader.execute("COMMIT")
        reader.close()
        assert (await database.scrub()).problems == ()
        assert all(b"gone for good" not in file.read_bytes() for file in tmp_path.iterdir())


async def test_a_scrub_removes_the_copies_from_before_an_update_and_no_other_file(tmp_path):
    path = tmp_path / "a[1].sqlite3"
    for name in ("a[1].sqlite3.v1.bak", "a[1].sqlite3.v2.bak.part", "a1.sqlite3.v1.bak", "mine"):
        (tmp_path / name).write_text("x")
    async with open_database(path) as database:
        scrubbed = await database.scrub()
    assert scrubbed.removed == ("a[1].sqlite3.v1.bak", "a[1].sqlite3.v2.bak.part")
    assert {"a1.sqlite3.v1.bak", "mine"} <= {file.name for file in tmp_path.iterdir()}
