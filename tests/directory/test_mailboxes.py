"""A mailbox is found by each of its spellings: in the search, the filters and the order."""

import pytest
from django.http import QueryDict

from tests.builders import make_superuser, make_user
from tests.directory.listing import get, usernames
from users.directory.filter import Filter

pytestmark = pytest.mark.django_db

SPELLINGS = ["münchen.example", "xn--mnchen-3ya.example", "MÜNCHEN.example"]


@pytest.fixture
def ida(client):
    client.force_login(make_superuser(username="zzz", email=""))
    make_user(username="bob", email="bob@strasse.example")
    return make_user(username="ida", email="Ida.B@münchen.example")


@pytest.mark.parametrize("domain", SPELLINGS)
@pytest.mark.parametrize(
    "query", ["?domain={}", "?q=domain:{}", "?q=ida.b@{}", "?q=email:IDA.B@{}", "?q={}"]
)
def test_each_spelling_of_a_mailbox_finds_it(client, ida, query, domain):
    assert usernames(get(client, query.format(domain))) == ["ida"]


@pytest.mark.parametrize("q", ["email:Ida.b@mün", "email:ida", "id", "DA.B@mün"])
def test_a_part_of_it_finds_it_in_any_case(client, ida, q):
    assert "ida" in usernames(get(client, f"?q={q}"))


def test_a_domain_that_folds_alike_is_another_one(client, ida):
    make_user(username="eve", email="eve@straße.example")
    assert usernames(get(client, "?domain=straße.example")) == ["eve"]
    assert usernames(get(client, "?domain=strasse.example")) == ["bob"]


def test_saved_filters_hold_one_form_of_a_domain():
    queries = {Filter.parse(QueryDict(f"domain={each}")).query for each in SPELLINGS}
    assert len(queries) == 1


def test_the_order_of_addresses_knows_no_case(client, ida):
    make_user(username="amy", email="Zoe@example.com")
    make_user(username="cid", email="abe@example.com")
    make_user(username="dan", email="ABE.b@example.com")
    listed = ["zzz", "dan", "cid", "bob", "ida", "amy"]  # "." comes before "@"
    assert usernames(get(client, "?sort=email")) == listed
    assert usernames(get(client, "?sort=-email")) == listed[::-1]
