"""WordPress: roles in PHP's notation, and the files of its tools."""

import pytest

from tests.formats.reading import read_content
from users.formats.php_serialization import PhpSyntaxError, read_php_flags

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('a:1:{s:13:"administrator";b:1;}', ["administrator"]),
        ('a:2:{s:6:"editor";b:1;s:6:"author";b:0;}', ["editor"]),
        ('a:2:{s:9:"rédactr";b:1;s:3:"a";";b:1;}', None),
        ('a:2:{s:8:"rédactr";b:1;i:0;s:1:"1";}', ["rédactr"]),
        ('a:1:{s:4:"a";}";b:1;}', ['a";}']),
        ("a:0:{}", []),
        ('O:8:"stdClass":0:{}', None),
        ('a:1:{s:1:"a";O:8:"stdClass":0:{}}', None),
        ('a:1:{s:99:"a";b:1;}', None),
        ('a:2:{s:1:"a";b:1;}', None),
        ('a:1:{s:1:"a";b:1;}x', None),
        ("", None),
    ],
)
def test_only_arrays_of_names_are_read(text, names):
    if names is None:
        with pytest.raises(PhpSyntaxError):
            read_php_flags(text)
    else:
        assert read_php_flags(text) == names


def test_meta_gives_roles_names_and_shop_data_but_no_secrets():
    meta = [
        {"meta_key": "shop_capabilities", "meta_value": 'a:1:{s:8:"customer";b:1;}'},
        {"meta_key": "session_tokens", "meta_value": "secret"},
        {"meta_key": "billing_city", "meta_value": "Berlin"},
        {"meta_key": "first_name", "meta_value": "Ann"},
        {"meta_key": "locale", "meta_value": "de_DE"},
    ]
    user = {"ID": "7", "user_login": "ann", "user_email": "a@example.com", "user_pass": "$P$x"}
    broken = [{"meta_key": "wp_capabilities", "meta_value": "a:1:{"}]
    key = {"user_activation_key": "secret"}
    content = read_content([{**user, **key, "meta": meta}, {**user, "meta": broken}])
    assert content.format == "wordpress"
    row, unread = content.rows
    assert row.pop("password_remark")
    assert row == {
        "source_id": "7",
        "username": "ann",
        "email": "a@example.com",
        "first_name": "Ann",
        "locale": "de_DE",
        "status": "active",
        "groups": "customer",
        "billing_city": "Berlin",
    }
    assert unread["groups"] == "a:1:{"
    assert "secret" not in str(content.records)


def test_the_files_of_other_tools_are_read():
    table = read_content(
        "ID,user_login,display_name,user_email,user_registered,roles\n"
        '1,ann,Ann Bee,a@example.com,"2022-12-21 23:05:16","editor,shop_manager"\n'
    )
    assert table.rows[0]["groups"] == "editor\nshop_manager"
    assert table.rows[0]["last_name"] == "Bee"
    dump = read_content(
        [
            {"type": "header", "version": "5.2"},
            {"type": "table", "name": "wp_posts", "data": [{"ID": "1", "post_title": "x"}]},
            {"type": "table", "name": "wp_users", "data": [{"ID": "1", "user_login": "ann"}]},
        ]
    )
    assert [row["username"] for row in dump.rows] == ["ann"]
