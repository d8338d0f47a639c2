"""SQL that reads accounts in the wanted order: a range of an index, and a scan."""

from django.db.models.expressions import RawSQL

from users.database.compiled_sql import compile_queryset, compile_tail, select_from
from users.database.prepared_statements import SqlWithParams
from users.directory.query import keyset, limits
from users.directory.query.account_reader import listed_sql
from users.directory.query.page_query import PageQuery
from users.directory.sorts import SORTS
from users.models import END_INDEX_COLUMNS

SORT_KEY_COLUMN = RawSQL('"users_user"."sort_key"', ())


def range_sql(query: PageQuery) -> SqlWithParams:
    """Returns the statement of one index range, from FROM on. Raises EmptyResultSet."""
    return compile_tail(query.after_cursor[: query.wanted.size + 1])


def scan_sql(query: PageQuery) -> SqlWithParams:
    """Returns the SELECT of the matches among the scanned accounts, at most one more than a page.

    The accounts of `query.named` are added; the column `is_named` distinguishes them.
    """
    wanted = query.wanted
    conditions = [*wanted.conditions(), *wanted.search.conditions()]
    matches = query.accounts.filter(*conditions).order_by(*scan_order(query))
    scanned, params = scanned_sql(query)
    page = select_from(matches[: wanted.size + 1], f"({scanned})", params)
    sql, params = listed_sql(page, {"is_named": RawSQL("0", ())})
    if query.named is None:
        return sql, params
    named, named_params = listed_sql(query.named, {"is_named": RawSQL("1", ())})
    first = f"SELECT * FROM ({named}) AS named"  # noqa: S608
    second = f"SELECT * FROM ({sql}) AS scanned"  # noqa: S608
    union = f"{first} UNION ALL {second}"
    return union, (*named_params, *params)


def scan_order(query: PageQuery) -> tuple:
    """Returns the ORDER BY of the matches.

    By the column `sort_key` PostgreSQL sees that the scanned accounts are already in this order, so
    it does not sort and stops at the end of the page.
    """
    if query.index_decides:
        return query.order
    return keyset.order_expressions(query.wanted.sort, query.backwards, SORT_KEY_COLUMN)


def scanned_sql(query: PageQuery) -> SqlWithParams:
    """Returns the SELECT of the accounts that a scan reads.

    If the index alone decides, these are the matches that an index-only scan has found.
    """
    if query.index_decides:
        return index_matches_sql(query)
    orm_query = query.accounts.query
    compiler = orm_query.get_compiler(query.accounts.db)
    key = SORTS[query.wanted.sort].key.resolve_expression(orm_query)
    sort_key = RawSQL(*compiler.compile(key))  # noqa: S611  compiled by the ORM
    return listed_sql(query.after_cursor[: query.scan_limit], {"sort_key": sort_key})


def index_matches_sql(query: PageQuery) -> SqlWithParams:
    """Returns the SELECT of the matches among INDEX_SCAN_LIMIT entries of an index."""
    wanted = query.wanted
    columns = (*END_INDEX_COLUMNS, SORTS[wanted.sort].column)
    entries = query.after_cursor.only(*columns)[: limits.INDEX_SCAN_LIMIT]
    scanned, params = compile_queryset(entries)
    matches = query.accounts.filter(*wanted.conditions()).order_by(*query.order).only("pk")
    ids = compile_queryset(select_from(matches[: wanted.size + 1], f"({scanned})", params))
    return listed_sql(query.accounts.filter(pk__in=RawSQL(*ids)))  # noqa: S611  compiled by the ORM
