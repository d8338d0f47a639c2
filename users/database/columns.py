"""Column types and SQL expressions of the account table."""

from django.db import models
from django.db.models import BooleanField, Func
from django.db.models.functions import Lower


class KeyField(models.CharField):
    """Text that is sorted and compared as a key: in byte order on every database.

    PostgreSQL would otherwise use the collation of the operating system. It changes with the C
    library, which corrupts indexes.
    """

    def db_parameters(self, connection):
        collation = "C" if connection.vendor == "postgresql" else None
        return super().db_parameters(connection) | {"collation": collation}


# `email__lower` is the key by which addresses are compared, and which their indexes hold.
KeyField.register_lookup(Lower)


class SeenKey(Func):
    """last_seen_at with NULL ("never") replaced by the earliest date.

    A sort by it has no nulls, so a keyset page is one range of the index.
    """

    template = "COALESCE(%(expressions)s, '0001-01-01 00:00:00+00')"
    output_field = models.DateTimeField()
    arity = 1

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(
            compiler,
            connection,
            template="COALESCE(%(expressions)s, '0001-01-01 00:00:00')",
            **context,
        )


class EmptyEmail(Func):
    """The condition that an account has no email address.

    SQLite's statistics do not show that the empty address is frequent. Without the hint it would
    read all accounts without an address and sort them.
    """

    template = "(%(expressions)s = '')"
    output_field = BooleanField()
    conditional = True
    arity = 1

    def as_sqlite(self, compiler, connection, **context):
        template = "likelihood(%(expressions)s = '', 0.05)"
        return self.as_sql(compiler, connection, template=template, **context)
