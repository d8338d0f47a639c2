"""Conditions on single events, which no index of the table of events answers."""

import json
from ipaddress import ip_address, ip_network
from typing import Any

from django.db.models import BooleanField, F, Func, Q, TextField, Value
from django.db.models.functions import Cast, Lower
from django.db.models.lookups import Contains

from users.contact_data import except_masked

TEXT_COLUMNS = ("reason", "ticket")


class HoldsValue(Func):
    """The condition that a JSON column holds a value somewhere, compared in lower case."""

    output_field = BooleanField()
    conditional = True
    arity = 2
    template = "EXISTS (SELECT 1 FROM jsonb_path_query({}, '$.**') found WHERE {})"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple]:
        # A list or an object has no token of its own (tokens.py).
        scalar = "jsonb_typeof(found) NOT IN ('object', 'array')"
        return self.compile_parts(
            compiler,
            self.template,
            f"{scalar} AND lower(found #>> '{{}}')",
        )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple]:
        template = "EXISTS (SELECT 1 FROM json_tree({}) AS found WHERE {})"
        atom = "CASE WHEN found.type IN ('true', 'false') THEN found.type ELSE found.atom END"
        return self.compile_parts(
            compiler,
            template,
            f"lower({atom})",
        )

    def compile_parts(self, compiler: Any, template: str, test: str) -> tuple[str, tuple]:
        column, value = self.get_source_expressions()
        column_sql, column_params = compiler.compile(column)
        value_sql, value_params = compiler.compile(value)
        # The database has its own lower case of some letters.
        condition = f"{test} = lower(CAST({value_sql} AS text))"
        sql = template.format(column_sql, condition)
        return sql, (*column_params, *value_params)


class InNetwork(Func):
    """The condition that an IP address belongs to a network."""

    output_field = BooleanField()
    conditional = True
    arity = 2

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple]:
        template = "(%(expressions)s::inet)"
        return self.as_sql(
            compiler,
            connection,
            template=template,
            arg_joiner=" <<= ",
        )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple]:
        connection.ensure_connection()
        connection.connection.create_function(
            "in_network",
            2,
            is_in_network,
            deterministic=True,
        )
        return self.as_sql(
            compiler,
            connection,
            function="in_network",
        )


def is_in_network(address: str | None, network: str) -> bool:
    return bool(address) and ip_address(str(address)) in ip_network(network)


def value_condition(value: str) -> Q:
    """Returns the condition that an event has the value before or after, ignoring case."""
    return holds_value("before", value) | holds_value("after", value)


def holds_value(column: str, value: str) -> Q:
    """Returns the condition on one column. To look for the value in its text first takes a fifth of
    the time, unless the text has another form of it: with escapes.
    """
    exact = Q(HoldsValue(F(column), Value(value)))
    if not value.isascii() or not value.isprintable() or set(value) & {'"', "\\"}:
        return exact
    text = Lower(Cast(column, TextField()))
    return Q(Contains(text, value.lower())) & exact


def field_condition(name: str) -> Q:
    """Returns the condition that an event has a value of the field, before or after."""
    return Q(before__has_key=name) | Q(after__has_key=name)


def text_condition(text: str) -> Q:
    """Returns the condition that each word is part of the reason or the ticket."""
    found = Q()
    for word in lower_words(text):
        found &= contains_word("reason", word) | contains_word("ticket", word)
    return found


def visible_text_condition() -> Q:
    """Returns the condition that reason and ticket hold nothing that is masked."""
    found = Q()
    for column in TEXT_COLUMNS:
        found = except_masked(found, column)
    return found


def browser_condition(text: str) -> Q:
    """Returns the condition that each word is part of the User-Agent header."""
    found = Q()
    for word in lower_words(text):
        found &= contains_word("user_agent", word)
    return found


def lower_words(text: str) -> list[str]:
    """Returns the words of a text, in lower case if they are ASCII."""
    return [word.lower() if word.isascii() else word for word in text.split()]


def contains_word(column: str, word: str) -> Q:
    """`word` may have capital letters: the database has its own lower case of some of them."""
    return Q(Contains(Lower(column), word if word.isascii() else Lower(Value(word))))


def network_condition(value: str) -> Q:
    """Returns the condition on an address, or on a network such as 203.0.113.0/24."""
    if "/" in value:
        return Q(InNetwork(F("ip"), Value(value)))
    if ":" in value:
        return Q(ip=value)
    # Older events may have the address as one of IPv6.
    return Q(ip__in=[value, f"::ffff:{value}"])


def json_text(value: Any) -> str:
    """Returns a scalar of a JSON column as PostgreSQL's operator #>> does."""
    return value if isinstance(value, str) else json.dumps(value)
