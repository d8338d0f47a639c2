"""Small files that people have tried to import."""

import pytest

from tests.transfer.imports.importer import import_file
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.mark.parametrize(
    ("name", "words", "counts", "errors"),
    [
        ("05_trailing_comma.csv", (), (2, 0, 0, 0), []),
        (
            "05b_extra_cells.csv",
            (),
            (2, 0, 0, 1),
            ["line 4: This row has 1 cell, but there are 2 c"],
        ),
        ("09_blank_emails.csv", ("--key=username",), (3, 0, 0, 0), []),
        (
            "11_dupes_in_file.csv",
            (),
            (1, 0, 0, 1),
            ["line 3: email: “t11@bugs.example”: Line 2 is"],
        ),
        ("14_pipe.csv", (), (1, 0, 0, 0), []),
        (
            "22_phone_formats.csv",
            (),
            (2, 0, 0, 3),
            [
                "line 4: phone, column phone: “(555) 010-1234",
                # The file does not say that its apostrophes are guards against formulas.
                "line 5: phone, column phone: “'+4915123456”",
            ],
        ),
        (
            "29_twins_in_file.csv",
            (),
            (1, 0, 0, 1),
            ["line 3: email: “t29@bugs.example”: Line 2 is"],
        ),
        (
            "31_own_export_reimport.csv",
            (),
            (2, 0, 0, 3),
            ["line 5: username, column username: “'+plus.user”: “'” can’t be part of a username."],
        ),
        ("32_one_line.jsonl", (), (1, 0, 0, 0), []),
        (
            "34_short_last_cell.csv",
            ("--map=b=email", "--map=c=first_name", "--short-rows"),
            (2, 0, 0, 0),
            [],
        ),
    ],
)
def test_each_file_is_read_as_it_was_meant(samples, name, words, counts, errors):
    result = import_file(samples.parent / "inputs" / name, *words)
    assert result.counts == counts, result.errors
    assert User.objects.count() == counts[0]
    for error in errors:
        assert error in result.errors
