"""Django: dumps with primary keys and with natural ones, of its own and of other user models."""

import json

import pytest

from tests.formats.reading import read_content

pytestmark = pytest.mark.sqlite

HASH = "pbkdf2_sha256$36000$sT96yObJtsFk$F9YAJimsQqBXnff/QGLNTv100qhCNl/23hoBuNtSNZU="


def user_object(pk: int | None = 1, model: str = "auth.user", **fields) -> dict:
    values = {"username": "ann", "password": HASH, "is_active": True, "groups": [], **fields}
    found = {"model": model, "fields": values}
    return found if pk is None else {"pk": pk, **found}


def test_groups_are_named_wherever_they_are_in_the_dump():
    group = {"model": "auth.group", "pk": 3, "fields": {"name": "Editors", "permissions": []}}
    other = {"model": "shop.order", "pk": 1, "fields": {"user": 1}}
    content = read_content([other, user_object(groups=[3, 4]), group])
    assert content.format == "django"
    assert content.rows == [
        {
            "source_id": "1",
            "username": "ann",
            "status": "active",
            "groups": "Editors\ngroup 4",
            "password_hash": HASH,
        }
    ]


def test_natural_keys_have_no_ids():
    content = read_content([user_object(None, groups=[["Editors"]], is_active=False)])
    [row] = content.rows
    assert (row["groups"], row["status"]) == ("Editors", "suspended")
    assert "source_id" not in content.columns


def test_a_user_model_of_the_application_keeps_its_fields_also_in_json_lines():
    fields = {"email": "a@example.com", "last_login": None, "name": "Ann Bee", "team": "blue"}
    user = user_object(model="people.member", password="!", **fields)
    text = "\n".join(json.dumps({**user, "pk": number}) for number in (1, 2))
    first, second = read_content(text).rows
    assert (first["first_name"], first["last_name"], first["team"]) == ("Ann", "Bee", "blue")
    assert "password_hash" not in first
    assert second["source_id"] == "2"
