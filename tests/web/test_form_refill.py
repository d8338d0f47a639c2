"""What was typed, put back into the HTML of a form."""

import pytest
from django.http import QueryDict

from users.web.form_refill import is_secret, refill_form

PAGE = """<!doctype html>
<html><head><title>a &amp; b</title><script src="/x.js"></script></head>
<body><!-- kept --><form method="get" action="/a/"><input name="q" value="old"></form>
<form method="post" action="/a/">
<input type="hidden" name="csrfmiddlewaretoken" value="fresh">
<input name="name" value="old" required>
<input type="password" name="key" value="">
<input type="checkbox" name="tell" checked>
<input type="checkbox" name="groups" value="1" checked>
<input type="checkbox" name="groups" value="2">
<input type="radio" name="keep" value="mine"><input type="radio" name="keep" value="theirs" checked>
<input name="fixed" value="old" disabled>
<select name="way"><option value="" selected>None &lt;</option><option value="x">X</option></select>
<textarea name="text" rows="3">
old &amp; gone</textarea>
<button name="go" value="1">Go &rarr; &#8594;</button></form>
<form method="post" action="/a/"><input name="name" value="second"></form></body></html>
"""
TYPED = "name=%22%3Cb%3E&key=s&groups=2&keep=mine&way=x&text=%0A%3C/textarea%3E%26&fixed=new&q=new"


def test_every_kind_of_control_gets_what_was_typed_and_the_rest_stays_as_it_was():
    html = refill_form(PAGE, "/a/", QueryDict(TYPED), "Note.")
    assert '<input name="name" value="&quot;&lt;b&gt;" required="">' in html
    assert '<input type="password" name="key" value="">' in html
    assert '<input type="checkbox" name="tell">' in html
    assert '<input type="checkbox" name="groups" value="1">' in html
    assert '<input type="checkbox" name="groups" value="2" checked="">' in html
    assert '<input type="radio" name="keep" value="mine" checked="">' in html
    assert '<input type="radio" name="keep" value="theirs">' in html
    assert '<option value="">None &lt;</option><option value="x" selected="">X</option>' in html
    assert '<textarea name="text" rows="3">\n\n&lt;/textarea&gt;&amp;</textarea>' in html
    for kept in (
        'value="fresh"',
        'value="old" disabled',
        'name="q" value="old"',
        "Go &rarr; &#8594;",
    ):
        assert kept in html
    assert 'name="name" value="second"' in html
    assert html.count("Note.") == 1
    assert html.startswith("<!doctype html>\n<html><head><title>a &amp; b</title>")


def test_a_page_without_the_form_is_no_page():
    assert refill_form(PAGE, "/b/", QueryDict(TYPED), "Note.") == ""


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password1", True),
        ("oldpassword", True),
        ("code", True),
        ("recovery_code", True),
        ("otp", True),
        ("country_codes", False),
        ("reason", False),
    ],
)
def test_secrets_are_known_by_name(name, secret):
    assert is_secret(name) == secret
