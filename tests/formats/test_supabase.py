"""Supabase: the table of users, and the list of the admin API."""

import pytest

from tests.formats.reading import read_content

pytestmark = pytest.mark.sqlite

BCRYPT = "$2a$10$U4C0ZY8OG8y41F9LusfKyu3HRMBL0rCZcKBVsXhgr.n8Ou6FPhzO2"
HEADER = (
    "instance_id,id,aud,role,email,encrypted_password,email_confirmed_at,invited_at,"
    "raw_app_meta_data,raw_user_meta_data,created_at,phone,banned_until,deleted_at,is_anonymous\n"
)


def test_the_table_is_read_without_deleted_and_anonymous_users():
    content = read_content(
        HEADER + f"0,u1,authenticated,authenticated,a@example.com,{BCRYPT},2024-01-01 10:00:00+00,,"
        '"{""provider"":""google"",""providers"":[""google""],""roles"":[""editor""]}",'
        '"{""full_name"":""Ann Bee"",""team"":""blue""}",2024-01-01,15112345678,,,false\n'
        "0,u2,authenticated,authenticated,b@example.com,,,2024-01-01,,,,,,,false\n"
        "0,u3,authenticated,authenticated,c@example.com,,,,,,,,2999-01-01 00:00:00+00,,false\n"
        "0,u4,,,d@example.com,,,,,,,,,2024-01-01,false\n"
        "0,u5,,,,,,,,,,,,,true\n"
    )
    assert content.format == "supabase"
    ann, invited, banned = content.rows
    assert ann == {
        "source_id": "u1",
        "email": "a@example.com",
        "email_verified": "yes",
        "first_name": "Ann",
        "last_name": "Bee",
        "phone": "+15112345678",
        "status": "active",
        "groups": "editor",
        "password_hash": f"bcrypt${BCRYPT}",
        "identities": "google",
        "created": "2024-01-01",
        "team": "blue",
    }
    assert (invited["status"], banned["status"]) == ("invited", "suspended")


def test_the_list_of_the_api_is_read():
    user = {
        "id": "u1",
        "aud": "authenticated",
        "email": "",
        "phone": "15112345678",
        "phone_confirmed_at": "2024-01-01",
        "app_metadata": {},
        "user_metadata": {"first_name": "Ann", "last_name": "Bee"},
        "identities": [{"provider": "github", "id": "9"}, {"provider": "phone", "id": "1"}],
    }
    content = read_content({"users": [user], "aud": "authenticated"})
    [row] = content.rows
    assert (content.format, row["username"]) == ("supabase", "+15112345678")
    assert (row["first_name"], row["identities"]) == ("Ann", "github: 9")
