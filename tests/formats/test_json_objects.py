"""JSON of any size in constant memory, and files that are made to fill the memory."""

import json
from io import BytesIO

import pytest

from tests.formats.reading import read_content
from users.formats import UnreadableFile
from users.formats.file_start import FileStart
from users.formats.json_objects import RECORD_MAX, read_objects
from users.formats.json_stream import VALUE_MAX

pytestmark = pytest.mark.sqlite


def read_path(content: bytes, path: str = "item", encoding: str = "") -> list:
    file = BytesIO(content)
    start = FileStart.read(file, "people.json", encoding)
    return [(each.line, each.values, each.misfit) for each in read_objects(file, start, path)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_all_values_are_read_in_all_encodings(encoding):
    value = {"a": [1, 2.5, None, True, {"b": []}], "ü": "\U0001f642", "empty": {}}
    content = json.dumps([value], ensure_ascii=False).encode(encoding)
    assert read_path(content) == [(1, value, "")]


def test_odd_records_are_named_and_the_others_are_read():
    large = {"a": "x" * (RECORD_MAX + 1)}
    deep: dict = {}
    for _ in range(100):
        deep = {"a": deep}
    found = read_path(json.dumps([{"a": 1}, 7, [1], large, deep, {"a": 2}]).encode())
    assert [line for line, _, misfit in found if not misfit] == [1, 6]
    assert [misfit for _, _, misfit in found[1:5]] == [
        "This is not a JSON object.",
        "This is not a JSON object.",
        "This record is too large for an account.",
        "This record is nested too deeply for an account.",
    ]


def test_a_record_with_a_key_twice_is_named():
    found = read_path(b'[{"a": 1, "b": {"a": 2}}, {"a": 1, "a": 2}, {"b": {"c": 1, "c": 1}}]')
    assert [misfit for *_, misfit in found] == [
        "",
        "“a” occurs twice in this record.",
        "“c” occurs twice in this record.",
    ]


@pytest.mark.parametrize(
    "content",
    [
        b'[{"a": 1}, {"a": ',
        b'[{"a": 1}, {"a": "\xff"}]',
        b'[{"a": 1}, {"a": 1e}]',
        b'[{"a": 1}, {"a": "' + b"x" * (VALUE_MAX + 200_000) + b'"}]',
    ],
)
def test_damaged_files_are_named_with_the_record_but_not_quoted(content):
    with pytest.raises(UnreadableFile, match="after record 1") as caught:
        read_path(content)
    assert len(str(caught.value)) < 200


def test_rows_before_the_damage_are_read_first():
    text = json.dumps([{"user_login": "a", "user_email": ""}] * 3)[:-20]
    with pytest.raises(UnreadableFile):
        read_content(text, format="wordpress")


def test_many_attributes_share_a_column():
    user = {"user_id": "1", "email_verified": True}
    first = {**user, "user_metadata": {f"key{number}": "x" for number in range(250)}}
    late = {**user, "user_metadata": {"late": "y"}}
    content = read_content([first, *[user] * 1000, late])
    assert len(content.columns) < 230
    assert json.loads(content.records[0].values["other_attributes"])["key249"] == "x"
    assert json.loads(content.records[-1].values["other_attributes"]) == {"late": "y"}
    assert {len(record.values) for record in content.records} == {len(content.columns)}


def test_a_file_without_accounts_is_named():
    with pytest.raises(UnreadableFile, match="no accounts"):
        read_content({"realm": "shop", "enabled": True, "users": []})
