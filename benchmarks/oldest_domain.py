"""Gives the oldest accounts an email domain of their own.

It is a search term whose matches are all at the end of the list, after all other accounts.
"""

from django.db import connection, transaction

from users.database.outside_triggers import without_outside_triggers

DOMAIN = "oldmail.example"
MAX_ACCOUNTS = 100_000

SQL = """
    UPDATE users_user
    SET search_key = replace(search_key, '@' || email_domain, '@' || %s),
        email = replace(email, '@' || email_domain, '@' || %s), email_domain = %s
    WHERE id <= (SELECT min(id) FROM users_user) + %s AND email <> '' AND NOT is_staff
"""


def move_oldest_addresses() -> None:
    """Moves the addresses of the oldest 1 % of the accounts, at most MAX_ACCOUNTS, to the domain.

    Does nothing if an account is there already.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM users_user WHERE email_domain = %s LIMIT 1", [DOMAIN])
        if cursor.fetchone():
            return
        cursor.execute("SELECT COUNT(*) FROM users_user")
        number = min(MAX_ACCOUNTS, cursor.fetchone()[0] // 100)
        with transaction.atomic(), without_outside_triggers(connection):
            cursor.execute(SQL, [DOMAIN, DOMAIN, DOMAIN, number])
        analyze = "VACUUM (ANALYZE)" if connection.vendor == "postgresql" else "ANALYZE"
        cursor.execute(f"{analyze} users_user")
