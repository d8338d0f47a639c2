"""`id__among=[…]`: one of very many ids, as one parameter. `__in` makes a placeholder of each, and
databases have limits.
"""

import json
from typing import Any

from django.db.models import Field, ForeignObject, Lookup


@ForeignObject.register_lookup  # which does not inherit those of Field
@Field.register_lookup
class AnyOf(Lookup):
    lookup_name = "among"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [list(value) if connection.vendor == "postgresql" else json.dumps(list(value))]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        lhs, params = self.process_lhs(compiler, connection)
        _, ids = self.get_db_prep_lookup(self.rhs, connection)
        way = (
            "= ANY(%s)"
            if connection.vendor == "postgresql"
            else "IN (SELECT value FROM json_each(%s))"
        )
        return f"{lhs} {way}", [*params, *ids]
