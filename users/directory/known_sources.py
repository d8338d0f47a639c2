"""The sources that accounts were imported from, as the filter offers them."""

from django.db import connections, router

from users.models import User

# With more sources than this the filter is a text field.
SOURCES_MAX = 50
# Reads one entry of the index user_by_source_joined for each source, however many accounts it has.
SOURCES_SQL = """
WITH RECURSIVE known (name, place) AS (
    SELECT lowest.source, 1
    FROM (SELECT source FROM users_user WHERE NOT source = '' ORDER BY source LIMIT 1) AS lowest
    UNION ALL
    SELECT (
        SELECT source FROM users_user
        WHERE NOT source = '' AND source > known.name ORDER BY source LIMIT 1
    ), place + 1
    FROM known WHERE name IS NOT NULL AND place <= %s
)
SELECT name FROM known WHERE name IS NOT NULL
"""


def source_choices() -> list[tuple[str, str]]:
    """Returns all sources as choices; [] if there are more than SOURCES_MAX."""
    with connections[router.db_for_read(User)].cursor() as cursor:
        cursor.execute(SOURCES_SQL, [SOURCES_MAX])
        names = [name for (name,) in cursor.fetchall()]
    if len(names) > SOURCES_MAX:
        return []
    return [(name, name) for name in names]
