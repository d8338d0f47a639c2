"""Microsoft Entra ID: a flag that the template reverses and the download does not."""

import pytest

from tests.formats.reading import read_content

pytestmark = pytest.mark.sqlite

TEMPLATE = (
    "version:v1.0\n"
    "Name [displayName] Required,User name [userPrincipalName] Required,"
    "Initial password [passwordProfile] Required,Block sign in (Yes/No) [accountEnabled] Required,"
    "Job title [jobTitle]\n"
)


def test_the_template_says_who_is_blocked():
    content = read_content(
        TEMPLATE + "Ann van Bee,ann@example.com, pass word , No,Chief\n"
        "Bob,bob@example.com,secret,Yes,\n"
        "Cid,cid@example.com,secret,maybe,\n"
    )
    ann, bob, cid = content.rows
    assert ann == {
        "username": "ann@example.com",
        "email": "ann@example.com",
        "first_name": "Ann van",
        "last_name": "Bee",
        "status": "active",
        "password": " pass word ",
        "jobTitle": "Chief",
    }
    assert (bob["status"], cid["status"]) == ("suspended", "maybe")
    assert "source_id" not in content.columns


def test_the_download_says_who_is_enabled():
    content = read_content(
        "userPrincipalName,displayName,surname,mail,givenName,id,accountEnabled,mobilePhone\n"
        "ann@x.onmicrosoft.com,Ann Bee,Bee,ann@example.com,Ann,7,True,+4915112345678\n"
        "bob@x.onmicrosoft.com,Bob,,,,8,False,\n"
    )
    ann, bob = content.rows
    assert (ann["source_id"], ann["email"], ann["status"]) == ("7", "ann@example.com", "active")
    assert (bob["email"], bob["status"]) == ("bob@x.onmicrosoft.com", "suspended")


def test_the_json_of_the_api_is_read():
    user = {"id": "7", "userPrincipalName": "a@example.com", "displayName": "Ann", "mail": None}
    content = read_content({"@odata.context": "x", "value": [{**user, "accountEnabled": False}]})
    assert (content.format, content.rows[0]["status"]) == ("entra", "suspended")
