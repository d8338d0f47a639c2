"""Files with random damage are read, or refused with a reason."""

import gzip
import json
from contextlib import suppress
from io import BytesIO
from random import Random

import pytest

from tests.formats.workbooks import make_workbook, make_zip, text_row
from users.formats import UnreadableFile
from users.formats.options import ReadOptions
from users.formats.registry import open_source

pytestmark = pytest.mark.sqlite

# More of them were run by hand.
DAMAGES = 40
USERS = [{"email": f"zoë{number}@example.com", "id": number} for number in range(20)]
CSV = "id;email\n" + "".join(f'{user["id"]};"{user["email"]}"\n' for user in USERS)
STRINGS = "".join(f"<si><t>text {number}</t></si>" for number in range(9))
SHARED = "".join(
    f"<c t='s'><v>{number}</v></c><c s='1'><v>4{number}</v></c>" for number in range(9)
)
FILES = {
    "csv": CSV.encode(),
    "utf-16": CSV.encode("utf-16"),
    "zip": make_zip({"people.csv": CSV}),
    "gzip": gzip.compress(CSV.encode()),
    "json": json.dumps(USERS).encode(),
    "lines": "\n".join(map(json.dumps, USERS)).encode(),
    "keycloak": json.dumps({"realm": "x", "users": USERS}).encode(),
    "xlsx": make_workbook({"A": text_row("a", "b") * 3 + f"<row>{SHARED}</row>"}, strings=STRINGS),
    "stored": make_zip({"a.json": json.dumps(USERS)}),
}


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused(name):
    random = Random(name)
    for _ in range(DAMAGES):
        with suppress(UnreadableFile):
            file = BytesIO(damaged(FILES[name], random))
            for record in open_source(file, name, ReadOptions()).source.records:
                text = json.dumps([record.values, record.misfit], ensure_ascii=False)
                assert "\x00" not in text.encode().decode(), "it can be stored"


def damaged(content: bytes, random: Random) -> bytes:
    """Returns the content with a few other bytes, without a part, or with one of it twice."""
    changed = bytearray(content)
    for _ in range(random.choice([1, 1, 2, 8])):
        place = random.randrange(len(changed) or 1)
        size = random.choice([1, 1, 1, 4, 40])
        kind = random.randrange(4)
        if kind == 0:
            changed[place : place + size] = random.randbytes(size)
        elif kind == 1:
            del changed[place : place + size]
        elif kind == 2:
            changed[place:place] = changed[place : place + size]
        else:
            changed[place : place + 1] = random.choice([b"\x00", b'"', b"\xff", b"\\", b"[", b"9"])
    return bytes(changed)
