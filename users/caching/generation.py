"""Generations: numbers in the database that triggers raise in the transaction of every change.

A page is cached under the generation that was read before its data. A request after a change reads
a higher generation, so it never finds a page from before the change.
"""

from collections import defaultdict

from django.db import connections

ACCOUNTS = "accounts"
AUDIT = "audit"
ROLES = "roles"
GENERATION_NAMES = (ACCOUNTS, AUDIT, ROLES)

# A column for other queries, so that generations need no query of their own. Its text is such as
# "accounts:17 audit:4 accounts:9".
GENERATIONS_SQL = {
    "postgresql": (
        "(SELECT string_agg(name || ':' || number, ' ' ORDER BY name, lane) FROM users_generation)"
    ),
    "sqlite": "(SELECT group_concat(name || ':' || number, ' ') FROM users_generation)",
}


class Generations(dict[str, str]):
    """The numbers of all lanes, by name. The value is "0" for a name that was never raised."""

    def __missing__(self, name: str) -> str:
        return "0"

    def of(self, *names: str) -> str:
        return "/".join(self[name] for name in names)


def parse_generations(text: str | None) -> Generations:
    lanes = defaultdict(list)
    for part in (text or "").split():
        name, _, number = part.partition(":")
        lanes[name].append(number)
    return Generations({name: ".".join(sorted(numbers)) for name, numbers in lanes.items()})


def current_generations(using: str = "default") -> Generations:
    """Reads the generations, for callers that have loaded no viewer."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {GENERATIONS_SQL[connection.vendor]}")
        return parse_generations(cursor.fetchone()[0])
