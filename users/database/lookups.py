"""The lookup `id__among=[…]`, which passes any number of IDs as one parameter.

`__in` needs a placeholder for each ID, and databases limit their number.
"""

import json
from typing import Any

from django.db.models import Field, ForeignObject, Lookup


# ForeignObject does not inherit the lookups of Field.
@ForeignObject.register_lookup
@Field.register_lookup
class AnyOf(Lookup):
    lookup_name = "among"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, Any]:
        ids = list(value)
        return "%s", [ids if connection.vendor == "postgresql" else json.dumps(ids)]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        lhs, params = self.process_lhs(compiler, connection)
        _, ids = self.get_db_prep_lookup(self.rhs, connection)
        if connection.vendor == "postgresql":
            return f"{lhs} = ANY(%s)", [*params, *ids]
        condition = "IN (SELECT value FROM json_each(%s))"
        return f"{lhs} {condition}", [*params, *ids]
