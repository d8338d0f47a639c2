"""An export that is imported again: nothing is changed by it, and nothing is lost."""

import csv
from io import BytesIO, StringIO

from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.web.test_csv_text import TEXTS
from users.transfer.export_rows import csv_line
from users.transfer.formats.csv import BLANK_CHARACTERS, read_csv
from users.web.csv_text import FORMULA_STARTS


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=4))
@example([["a\r\n\x1a", "\x1a"], ["sep=;", '"']])
def test_the_reader_yields_the_texts_that_an_export_wrote(rows):
    assume(all("".join(row).strip(BLANK_CHARACTERS) for row in rows))
    text = "".join(csv_line(cells) for cells in [["a", "b"], *rows])
    source = read_csv(BytesIO(f"\ufeff{text}".encode()), "accounts.csv")
    assert [[record.values["a"], record.values["b"]] for record in source.records] == rows
    for row in csv.reader(StringIO(text, newline="")):
        assert not any(cell.startswith(FORMULA_STARTS) for cell in row)
