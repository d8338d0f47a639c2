"""The readers of JSON and JSON Lines, by what they yield."""

import json
from io import BytesIO

import pytest

from users.formats import ImportRecord, UnreadableFile
from users.formats.options import ReadOptions
from users.formats.registry import OpenFile, open_source

pytestmark = pytest.mark.sqlite


def opened(content: bytes | str, **options) -> OpenFile:
    content = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return open_source(BytesIO(content), "people.json", ReadOptions(**options))


def rows(content: bytes | str, **options) -> list[ImportRecord]:
    return list(opened(content, **options).source.records)


ANN = '{"email": "a@example.com", "name": {"first": "Ann", "last": null}, "tags": ["x", "y"]}'
ANN_VALUES = {
    "email": "a@example.com",
    "name.first": "Ann",
    "name.last": "",
    "tags": "x\ny",
}


@pytest.mark.parametrize(
    ("content", "format_name"),
    [
        (f"[{ANN}]", "json"),
        (f"\n [\n{ANN}\n,{{}}]", "json"),
        (f'{{"roles": [{{"id": 1}}], "users": [{ANN}]}}', "json"),
        (f'{{"total": 1, "list": [{ANN}]}}', "json"),
        (json.dumps(json.loads(ANN), indent=2), "json"),
        (ANN, "json-lines"),
        (f"{ANN}\n{ANN}\n\n", "json-lines"),
        (f"\ufeff{ANN}\n", "json-lines"),
    ],
)
def test_objects_are_found_and_their_keys_are_the_columns(content, format_name):
    file = opened(content)
    assert (file.format.name, file.source.line) == (format_name, 0)
    assert next(file.source.records).values == ANN_VALUES
    assert file.source.columns == list(ANN_VALUES)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
@pytest.mark.parametrize("form", ["[{}]", "{}\n{}\n"])
def test_other_encodings_are_recognised(encoding, form):
    content = form.replace("{}", '{"имя": "Зоя"}').encode(encoding)
    assert rows(content)[0].values == {"имя": "Зоя"}


def test_numbers_and_flags_are_texts():
    text = '{"a": 12345678901234567890123, "b": 1.50, "c": true, "d": false, "e": 1e400}'
    assert rows(f"{text}\n{text}")[1].values == {
        "a": "12345678901234567890123",
        "b": "1.50",
        "c": "yes",
        "d": "no",
        "e": "1e400",
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (r'{"a": "x\u0000y"}', "a: “x\\x00y”: This contains a NUL character."),
        (r'{"a": "x\ud83dy"}', "a: “x\\uD83Dy”: This contains an incomplete character (U+D83D)."),
        ('{"a": "\x00"}', '“{"a": "\\x00"}\\x0A”: This contains a NUL character.'),
        (b'{"a": "m\xfcller"}', '“{"a": "m\\xFCller"}\\x0A”: The byte 0xFC can’t be read as u'),
        ('{"a": 1, "a": 2}', "This can’t be used: “a” occurs twice."),
        ('{"a": 1', "This is not valid JSON: Expecting ',' delimiter: line 2 column 1"),
        ("[1]", "This is not a JSON object."),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "This can’t be used: maximum recursion"),
    ],
)
def test_a_damaged_line_is_named_and_the_others_are_read(line, reason):
    line = line if isinstance(line, bytes) else line.encode()
    bad, good = rows(b'{"a": "zo\xc3\xab"}\n' + line + b'\n{"a": "b"}\n')[1:]
    assert bad.line == 2
    assert bad.misfit.startswith(reason)
    assert good == ImportRecord(3, {"a": "b"})


@pytest.mark.parametrize("escape", [r"\ud83d", r"\ude00", r"\ud83d\u0041", r"\\\ud83d"])
@pytest.mark.parametrize("shift", [0, 65_530])
def test_half_a_character_in_an_array_is_named(escape, shift):
    text = f'[{{"a": "{"x" * shift}"}}, {{"a": "{escape}"}}, {{"a": "\\ud83d\\ude00\\\\ud83d"}}]'
    _, bad, good = rows(text)
    assert "This contains an incomplete character" in bad.misfit
    assert good.values == {"a": "😀\\ud83d"}


def test_several_lists_are_a_question():
    with pytest.raises(UnreadableFile, match="several lists in this file: groups, staff"):
        opened('{"groups": [{"a": 1}], "staff": [{"b": 1}]}')


def test_deep_nesting_costs_no_memory():
    with pytest.raises(UnreadableFile):
        rows('[{"a": 1}, ' + "[" * 1_000_000)
