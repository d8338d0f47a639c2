"""Archives, pipes, and files by their content."""

import gzip
from io import BytesIO, UnsupportedOperation

import pytest

from tests.formats.workbooks import make_workbook, make_zip, text_row
from users.formats.archives.pipe_input import PipeInput, seekable_input
from users.formats.options import ReadOptions
from users.formats.registry import open_source

pytestmark = pytest.mark.sqlite

CSV = "name\n" + "ann\n" * 20_000
WORKBOOK = make_workbook({"A": text_row("name") + text_row("ann") * 50})


class Pipe(BytesIO):
    """A stream that cannot go back."""

    def seekable(self) -> bool:
        return False

    def seek(self, *args):
        raise UnsupportedOperation


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (CSV.encode(), 20_000),
        (b"name\nann\n", 1),
        (gzip.compress(CSV.encode()), 20_000),
        (gzip.compress(b"name\nann\n") + gzip.compress(b"bob\n"), 2),
        (make_zip({"folder/": "", "folder/people.csv": CSV}), 20_000),
        (make_zip({"people.csv": CSV, "__MACOSX/._people.csv": "x", ".DS_Store": "x"}), 20_000),
        (WORKBOOK, 50),
    ],
)
@pytest.mark.parametrize("kind", [BytesIO, Pipe])
def test_archives_and_pipes_are_read(content, count, kind):
    file = kind(content)
    if kind is Pipe:
        file = PipeInput(file)
    records = list(open_source(file, "people", ReadOptions()).source.records)
    assert len(records) == count
    assert {record.values["name"] for record in records} <= {"ann", "bob"}
    assert not any(record.misfit for record in records)


def test_a_pipe_goes_back_only_to_its_start():
    pipe = PipeInput(Pipe(b"x" * 100_000))
    pipe.seek(0)
    assert pipe.read(10) == b"x" * 10
    assert seekable_input(pipe).read() == b"x" * 100_000
    with pytest.raises(UnsupportedOperation):
        pipe.seek(0)


def test_options_are_kept_as_json():
    options = ReadOptions(format="csv", columns=("a", "", "b"), short_rows=True)
    assert ReadOptions.from_json(options.to_json() | {"unknown": 1}) == options
    assert ReadOptions.from_json({}) == ReadOptions()
