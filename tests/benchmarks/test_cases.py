"""What bin/bench asks for is there: its figures would otherwise be those of error pages."""

import pytest

from benchmarks import past_events
from benchmarks.cases import all_cases, list_case
from benchmarks.client import Answer
from benchmarks.expected import Expected
from benchmarks.filters import combined_cases, filter_cases
from benchmarks.oldest_domain import DOMAIN, move_oldest_addresses
from tests.builders import make_superuser, make_user
from users.directory.filters import FILTERS
from users.directory.sorts import SORTS
from users.models import User

pytestmark = pytest.mark.django_db
NAMES = [("Ann", "Smith"), ("Jürgen", "Müller"), ("María", "Peña")]


@pytest.fixture
def accounts():
    for number in range(60):
        first, last = NAMES[number % len(NAMES)]
        name = f"{first}.{last}".lower() if first.isascii() else "j.person"
        make_user(
            username=f"{name}{100 + number}",
            email=f"{number}@gmail.example",
            first_name=first,
            last_name=last,
            phone="+4915112345678",
            is_staff=False,
        )


@pytest.mark.usefixtures("accounts")
def test_rollcall_answers_every_case(client):
    client.force_login(make_superuser())
    pk = User.objects.first().pk
    found = [case for case in all_cases(60, busy=past_events.busy_account()) if not case.edits]
    faults = {}
    for case in found:
        response = client.get(case.paths["rollcall"].format(pk=pk))
        answer = Answer(0.0, response.status_code, {}, response.content)
        faults[case.name] = case.expected["rollcall"].for_account(pk).find_fault(answer)
    assert len(faults) == len(found) > 50
    assert set(faults.values()) == {""}, faults


@pytest.mark.usefixtures("accounts")
def test_an_answer_of_each_peer_is_expected_in_each_case():
    for case in all_cases(60, busy=past_events.busy_account()):
        assert set(case.paths) <= set(case.expected), case.name
        assert all(case.expected[site] != Expected() for site in case.paths), case.name


def test_every_filter_and_every_sort_of_the_directory_has_a_case():
    # A pasted list belongs to one person: bin/bench --lists measures it.
    measured = {name for name, spec in FILTERS.items() if not spec.personal}
    assert {name for _, query, _ in filter_cases() for name in query} == measured
    assert {name for _, query, _, _ in combined_cases() for name in query} <= set(FILTERS)


@pytest.mark.usefixtures("accounts")
def test_every_sort_has_a_case_at_both_ends_of_the_admin():
    names = {case.name: case.paths for case in all_cases(60)}
    for sort in SORTS:
        assert {"rollcall", "admin", "tuned", "bare"} == set(names[f"sort {sort}, page 1"])


def test_the_same_list_is_asked_of_each_peer():
    case = list_case("x", {"status": "active"}, {"status__exact": "active"}, "-name")
    assert case.paths == {
        "rollcall": "/users/?status=active&sort=-name",
        "admin": "/admin/users/user/?status__exact=active&o=-4.-3",
        "tuned": "/tuned/users/user/?status__exact=active&o=-4.-3",
        "bare": "/bare/",
    }


def test_a_filter_that_the_admin_lacks_is_not_asked_of_it():
    assert set(list_case("x", {"status": "ended"}, None).paths) == {"rollcall", "bare"}


@pytest.mark.django_db(transaction=True)
def test_only_the_oldest_accounts_move_to_the_provider_at_the_far_end():
    for number in range(200):
        make_user(username=f"person-{number}", email=f"{number}@gmail.example")
    move_oldest_addresses()
    moved = User.objects.filter(email_domain=DOMAIN).order_by("pk")
    oldest = list(User.objects.order_by("pk").values_list("pk", flat=True)[: len(moved)])
    assert [account.pk for account in moved] == oldest
    assert 2 <= len(moved) <= 3
    for account in moved:
        before = account.search_key, account.email
        account.derive()
        assert (account.search_key, account.email) == before
        assert account.email.endswith(f"@{DOMAIN}")
