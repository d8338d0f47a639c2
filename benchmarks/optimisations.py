"""The optimisations that replace plain Django for speed, each with the module that contains it.

`bin/bench --without NAME` measures Rollcall without one, and `bin/bench --prices` measures what
each of them saves (docs/benchmarks.md). Nothing here imports a model.
"""

OPTIMISATIONS = {
    "prepared-statements": "users/database/prepared_statements.py",
    "compiled-queries": "users/database/cached_query.py",
    "c-loader": "users/database/postgresql/base.py",
    "page-memory": "users/caching/backend.py",
    "redis-lock": "users/caching/backend.py",
    "fragment-memory": "users/caching/fragments.py",
    "sample-memory": "users/directory/query/key_sample.py",
    "rows-html": "users/directory/rows.py",
    "events-html": "users/audit/html.py",
    "buttons-html": "users/account/actions_html.py",
    "facts-html": "users/account/field_html.py",
}
# Measured by `--without` in the same way, but they save nothing: the time is their price.
FEATURES = {
    "metrics": "users/metrics/requests.py",
}


def parse_names(text: str) -> frozenset[str]:
    """Parses a comma-separated list of names. Raises ValueError for an unknown one."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    known = [*OPTIMISATIONS, *FEATURES]
    if unknown := sorted(names.difference(known)):
        raise ValueError(f"{', '.join(unknown)}: choose from {', '.join(known)}.")
    return names
