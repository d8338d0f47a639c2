"""Statements that the ORM compiles and that read from something else than the table.

These tests fail when Django compiles a query in another way.
"""

import pytest
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Value

from tests.builders import make_user
from users.database.compiled_sql import (
    compile_queryset,
    compile_tail,
    sample_table,
    select_from,
)
from users.models import User

pytestmark = pytest.mark.django_db
ACCOUNTS = User.objects.all().order_by()


def run(sql: str, params: tuple) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


@pytest.fixture
def accounts():
    return [make_user(username=name, is_staff=False) for name in ("ann", "ben", "cid", "dan")]


def test_a_subquery_takes_the_place_and_the_name_of_the_table():
    sql, params = compile_queryset(
        select_from(ACCOUNTS.only("pk"), "(SELECT * FROM users_user WHERE id > %s)", (7,))
    )
    assert sql == (
        'SELECT "users_user"."id" FROM (SELECT * FROM users_user WHERE id > %s) AS "users_user"'
    )
    assert params == (7,)


def test_conditions_order_and_limit_apply_to_the_subquery(accounts):
    source = "(SELECT id, username FROM users_user WHERE username <> %s)"
    wanted = ACCOUNTS.filter(username__gt="ann").order_by("-username").only("username")[:2]
    found = run(*compile_queryset(select_from(wanted, source, ("dan",))))
    assert [username for _, username in found] == ["cid", "ben"]


def test_parameters_stand_in_the_order_of_the_text(accounts):
    source = "(SELECT id, username FROM users_user WHERE username <> %s)"
    wanted = ACCOUNTS.annotate(text=Value("x")).filter(username="ben")
    sql, params = compile_queryset(
        select_from(wanted.values_list("text", "username"), source, ("ann",))
    )
    assert list(params) == ["x", "ann", "ben"]
    assert run(sql, params) == [("x", "ben")]


def test_the_table_is_not_read_beside_the_subquery(accounts):
    """The source has no such column, so a second reference to the table would be noticed."""
    sql, _ = compile_queryset(select_from(ACCOUNTS.only("pk"), "(SELECT 1 AS id)"))
    assert sql.count("FROM") == 1
    assert '"users_user" ' not in sql
    assert run(sql, ()) == [(1,)]


def test_a_join_keeps_to_the_subquery(accounts):
    source = "(SELECT id FROM users_user WHERE username = %s)"
    wanted = ACCOUNTS.filter(groups__isnull=True).only("pk")
    found = run(*compile_queryset(select_from(wanted, source, ("cid",))))
    assert found == [(accounts[2].pk,)]


def test_a_subquery_inside_of_another_query_keeps_its_source(accounts):
    inner = select_from(
        ACCOUNTS.filter(username__gt="a").values("pk"),
        "(SELECT id, username FROM users_user WHERE username = %s)",
        ("ben",),
    )
    assert [account.pk for account in User.objects.filter(pk__in=inner)] == [accounts[1].pk]


def test_the_query_itself_stays_as_it_is():
    before = compile_queryset(ACCOUNTS)
    select_from(ACCOUNTS, "nothing")
    assert compile_queryset(ACCOUNTS) == before


def test_the_tail_is_everything_but_the_columns():
    sql, params = compile_tail(ACCOUNTS.filter(username="ann").order_by("pk")[:3])
    assert sql == (
        ' FROM "users_user" WHERE "users_user"."username" = %s '
        'ORDER BY "users_user"."id" ASC LIMIT 3'
    )
    assert params == ("ann",)


def test_a_tail_of_other_columns_is_an_error():
    with pytest.raises(ValueError, match="does not begin"):
        compile_tail(ACCOUNTS.distinct())


def test_a_condition_that_nothing_can_meet_has_no_statement():
    with pytest.raises(EmptyResultSet):
        compile_tail(ACCOUNTS.none())


def test_a_sample_is_of_the_table_under_its_own_name():
    sql, params = compile_queryset(
        sample_table(ACCOUNTS.only("pk").filter(username="ann"), "TABLESAMPLE SYSTEM (100)")
    )
    assert sql == (
        'SELECT "users_user"."id" FROM "users_user" AS "users_user" TABLESAMPLE SYSTEM (100) '
        'WHERE "users_user"."username" = %s'
    )
    assert params == ("ann",)


@pytest.mark.postgresql
def test_a_sample_of_all_pages_is_the_table(accounts):
    wanted = sample_table(ACCOUNTS.filter(username="ben").only("pk"), "TABLESAMPLE SYSTEM (100)")
    assert run(*compile_queryset(wanted)) == [(accounts[1].pk,)]
