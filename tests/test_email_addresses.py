"""Email addresses: what is stored, what is compared, and what a mail server gets."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import make_user
from users.email_addresses import (
    domain_key,
    email_key,
    identifier_key,
    normalise_email,
    smtp_address,
)
from users.models import User

text_only = pytest.mark.sqlite


@text_only
@pytest.mark.parametrize(
    ("email", "sent_to"),
    [
        ("y@straße.example", "y@xn--strae-oqa.example"),
        ("Ann.Berg@münchen.example", "Ann.Berg@xn--mnchen-3ya.example"),
        ("y@βόλος.example", "y@xn--nxasmm1c.example"),
        ("ann@example.com", "ann@example.com"),
    ],
)
def test_a_mail_server_gets_the_domain_that_was_typed_and_no_other(email, sent_to):
    assert smtp_address(normalise_email(email)) == sent_to


@text_only
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ida@münchen.example", "ida@xn--mnchen-3ya.example"),
        ("ida@münchen.example", "IDA@XN--MNCHEN-3YA.example"),
        ("ida@MÜNCHEN.example", "Ida@mu\u0308nchen.example"),
        ("ann@example.com", "  ANN＠Example.com "),
    ],
)
def test_two_spellings_of_one_mailbox_have_one_key(one, other):
    assert email_key(one) == email_key(other)


@text_only
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("y@straße.example", "y@strasse.example"),
        ("y@βόλος.example", "y@βόλοσ.example"),
        ("y@paypal.com", "y@xn--pypal-4ve.com"),
    ],
)
def test_two_domains_of_different_owners_have_different_keys(one, other):
    assert email_key(one) != email_key(other)


@text_only
@given(st.text("aAßKΣς@.-_éü\u0301mıｅ．。+xn-3ya\"', \n\u00ad\ud800", max_size=30))
def test_a_key_is_its_own_key_for_any_text(value):
    assert identifier_key(identifier_key(value)) == identifier_key(value)


@text_only
@given(st.text("aAßKΣς@.-éü\u0301xn3y", max_size=30))
def test_the_key_of_a_stored_address_is_what_the_database_makes_of_it(value):
    try:
        email = normalise_email(value)
    except ValidationError:
        return
    assert email_key(email) == email.lower() == email_key(value)


@text_only
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("me@中" + "1" * 54 + ".example", "one of its parts is too long"),
        ("me@" + "b" * 64 + ".example", "one of its parts is too long"),
        ("me@" + ".".join(["c" * 62] * 5) + ".com", "The domain is too long"),
        ("me@a..example", "Enter a valid email address."),
        ("me@.example", "Enter a valid email address."),
        ("me@exa_mple.com", "Enter a valid email address."),
    ],
)
def test_a_domain_that_dns_cant_carry_is_refused(value, message):
    with pytest.raises(ValidationError) as caught:
        normalise_email(value)
    assert message in caught.value.messages[0]


@text_only
@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("MÜNCHEN.example", "münchen.example"),
        ("xn--mnchen-3ya.example", "münchen.example"),
        ("pаypal.com", "xn--pypal-4ve.com"),
        ("no domain", "no domain"),
    ],
)
def test_a_domain_has_one_form_in_filters(typed, key):
    assert domain_key(typed) == key


@pytest.mark.django_db
def test_the_database_itself_refuses_a_second_account_for_a_mailbox():
    make_user(username="ida", email="Ida@xn--mnchen-3ya.example")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("ida2", email="iDA@münchen.example")
    assert User.objects.get(username="ida").email == "Ida@münchen.example"
