"""Gives the oldest accounts an email domain that no other account has: a search term whose matches
are all at the far end of the list.
"""

from django.db import connection

DOMAIN = "oldmail.example"
MOST = 100_000

SQL = """
    UPDATE users_user
    SET search_key = replace(search_key, '@' || email_domain, '@' || %s),
        email = replace(email, '@' || email_domain, '@' || %s), email_domain = %s
    WHERE id <= (SELECT min(id) FROM users_user) + %s AND email <> '' AND NOT is_staff
"""


def move() -> None:
    """Moves the addresses of the oldest hundredth, at most MOST, to one provider. Does nothing the
    second time.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM users_user WHERE email_domain = %s LIMIT 1", [DOMAIN])
        if cursor.fetchone():
            return
        cursor.execute("SELECT COUNT(*) FROM users_user")
        cursor.execute(SQL, [DOMAIN, DOMAIN, DOMAIN, min(MOST, cursor.fetchone()[0] // 100)])
        analyze = "VACUUM (ANALYZE)" if connection.vendor == "postgresql" else "ANALYZE"
        cursor.execute(f"{analyze} users_user")
