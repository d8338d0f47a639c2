"""SCIM: all forms of a file, and the exports of Rollcall."""

import json

import pytest

from tests.formats.reading import read_content

pytestmark = pytest.mark.sqlite

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ROLLCALL = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def scim_user(number: int = 1, **values) -> dict:
    return {"schemas": [USER], "id": f"u{number}", "userName": f"user{number}", **values}


def test_lists_lines_and_single_users_are_read():
    group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "g1"}
    users = [scim_user(1), scim_user(2)]
    answer = read_content({"schemas": [LIST], "totalResults": 3, "Resources": [*users, group]})
    lines = read_content("\n".join(map(json.dumps, users)))
    single = read_content(json.dumps(scim_user(1), indent=2))
    assert {answer.format, lines.format, single.format} == {"scim"}
    assert [row["source_id"] for row in answer.rows] == ["u1", "u2"]
    assert lines.rows == answer.rows
    assert single.rows == answer.rows[:1]


def test_extensions_and_several_values():
    content = read_content(
        scim_user(
            name={"formatted": "Ann Bee"},
            emails=[{"value": "old@example.com"}, {"value": "a@example.com", "primary": True}],
            roles=[{"value": "auditor"}],
            active=False,
            **{ENTERPRISE: {"department": "Sales", "manager": {"displayName": "Bob"}}},
        )
    )
    assert content.rows == [
        {
            "source_id": "u1",
            "username": "user1",
            "email": "a@example.com",
            "other_emails": "old@example.com",
            "first_name": "Ann",
            "last_name": "Bee",
            "status": "suspended",
            "groups": "auditor",
            "department": "Sales",
            "manager.displayName": "Bob",
        }
    ]


def test_an_export_of_rollcall_keeps_the_ids_of_other_systems():
    extension = {"source": "hr", "status": "expired", "accepts_announcements": True}
    user = scim_user(externalId="4711", active=False, **{ROLLCALL: extension})
    content = read_content({"schemas": [LIST], "Resources": [user]})
    assert content.format == "rollcall-scim"
    [row] = content.rows
    assert row == {
        "source": "hr",
        "source_id": "4711",
        "username": "user1",
        "accepts_announcements": "yes",
    }
