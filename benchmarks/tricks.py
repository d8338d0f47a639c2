"""The tricks of Rollcall: what stands in the place of plain Django for speed, and where it stands.

Each has a price tag: `bin/bench --without NAME` leaves it out, and `bin/bench --prices` measures
what each of them is worth (docs/benchmarks.md). Nothing here imports a model.
"""

TRICKS = {
    "prepared-statements": "users/database/prepared_statements.py",
    "compiled-queries": "users/database/cached_query.py",
    "c-loader": "users/database/postgresql/base.py",
    "connection-check": "users/database/postgresql/base.py",
    "page-memory": "users/caching/backend.py",
    "redis-lock": "users/caching/backend.py",
    "fragment-memory": "users/caching/fragments.py",
    "rows-html": "users/directory/rows.py",
    "events-html": "users/audit/html.py",
    "buttons-html": "users/account/actions_html.py",
    "facts-html": "users/account/field_html.py",
}


def parse_tricks(text: str) -> frozenset[str]:
    """The names in a comma list. Raises ValueError for a name that no trick has."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := sorted(names - TRICKS.keys()):
        raise ValueError(f"{', '.join(unknown)}: choose from {', '.join(TRICKS)}.")
    return names
