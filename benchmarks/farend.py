"""Gives the oldest accounts what the made-up ones lack: something that nobody else has, at the far
end of the list.
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
    """The addresses of the oldest hundredth, at most MOST, to one provider. Does nothing the second
    time.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM users_user WHERE email_domain = %s LIMIT 1", [DOMAIN])
        if cursor.fetchone():
            return
        cursor.execute("SELECT COUNT(*) FROM users_user")
        cursor.execute(SQL, [DOMAIN, DOMAIN, DOMAIN, min(MOST, cursor.fetchone()[0] // 100)])
        cursor.execute(
            "VACUUM (ANALYZE) users_user"
            if connection.vendor == "postgresql"
            else "ANALYZE users_user"
        )
