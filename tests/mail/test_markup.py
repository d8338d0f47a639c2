"""The markup of announcements: what it may say, as text and as HTML."""

import pytest

from users.mail.markup import link_error, render_markup
from users.models import User

ADA = User(username="ada", first_name="Ada", last_name="**<b>**", email="ada@example.com")


@pytest.mark.parametrize(
    ("text", "plain", "html"),
    [
        ("a\nb\n\nc", "a\nb\n\nc", "<p>a<br>b</p>\n<p>c</p>"),
        ("**a** *b*", "a b", "<p><strong>a</strong> <em>b</em></p>"),
        (
            "Dear **{name}**!",
            "Dear Ada **<b>**!",
            "<p>Dear <strong>Ada **&lt;b&gt;**</strong>!</p>",
        ),
        ("\\*a\\*", "*a*", "<p>*a*</p>"),
        (
            "[Read](https://example.com/?a=1&b=2)",
            "Read (https://example.com/?a=1&b=2)",
            '<p><a href="https://example.com/?a=1&amp;b=2">Read</a></p>',
        ),
        (
            "[a@b.co](mailto:a@b.co)",
            "a@b.co",
            '<p><a href="mailto:a@b.co">a@b.co</a></p>',
        ),
        ("https://example.com", "https://example.com", "<p>https://example.com</p>"),
        (
            "<b onclick='x'>&amp;</b>",
            "<b onclick='x'>&amp;</b>",
            "<p>&lt;b onclick=&#x27;x&#x27;&gt;&amp;amp;&lt;/b&gt;</p>",
        ),
        ("    # a\n- b", "# a\n- b", "<p># a<br>- b</p>"),
    ],
)
def test_markup_is_text_and_page(text, plain, html):
    assert render_markup(text, ADA) == (plain, html)
    assert not link_error(text)


BAD_LINKS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "&#106;avascript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "/users/1/",
    "//evil.example/",
    "https://bank.example@evil.example/",
    "https://",
    "mailto:a@b.co,e@evil.com",
    "mailto:a@b.co?bcc=e@evil.com",
]


@pytest.mark.parametrize("target", BAD_LINKS)
def test_another_target_is_refused_where_it_is_typed_and_is_no_link(target):
    text = f"[x]({target}) [y](https://example.com)"
    assert link_error(text).startswith("Links must start with https:// or http://")
    assert render_markup(text, ADA)[1].count("<a ") == 1


def test_each_bad_link_is_named_at_once():
    error = link_error("[x](javascript:a) [y](data:b) [z](javascript:a)")
    assert error.endswith("Fix “javascript:a”, “data:b”.")


def test_no_value_gets_into_the_target_of_a_link():
    text = "[x](https://example.com/?user={username})"
    assert "can’t contain a placeholder" in link_error(text)
    assert "<a " not in render_markup(text, ADA)[1]
    assert 'href="https://example.com"' in render_markup("[{name}](https://example.com)", ADA)[1]
