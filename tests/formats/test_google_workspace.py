"""Google Workspace: hidden passwords, and columns with remarks in their names."""

import pytest

from tests.formats.reading import read_content

pytestmark = pytest.mark.sqlite

HEADER = (
    "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],"
    "Password Hash Function [UPLOAD ONLY],Org Unit Path [Required],Status [READ ONLY],"
    "Recovery Email,Mobile Phone,Change Password at Next Sign-In\n"
)


def test_hidden_passwords_are_none_and_others_are_taken_over():
    content = read_content(
        HEADER
        + "Ann,Bee,ann@example.com,****,,/Sales,Active,a@example.org,+4915112345678,False\n"
        + "Bob,Cee,bob@example.com,secret word,,/,Suspended,,,True\n"
        + "Cid,Dee,cid@example.com,5f4dcc3b5aa765d61d8327deb882cf99,MD5,/,Archived,,,\n"
        + "Dan,Eff,dan@example.com,,,/,Unknown,,,\n"
    )
    ann, bob, cid, dan = content.rows
    assert content.format == "google-workspace"
    assert ann == {
        "username": "ann@example.com",
        "email": "ann@example.com",
        "first_name": "Ann",
        "last_name": "Bee",
        "phone": "+4915112345678",
        "status": "active",
        "other_emails": "a@example.org",
        "Org Unit Path": "/Sales",
    }
    assert (bob["password"], bob["status"]) == ("secret word", "suspended")
    assert bob["required_actions"] == "change password"
    assert ("password" in cid, cid["status"]) == (False, "suspended")
    assert "MD5" in cid["password_remark"]
    assert dan["status"] == "Unknown"
