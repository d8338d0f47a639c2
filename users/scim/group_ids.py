"""The IDs that sources give to roles, as “externalId” of SCIM groups."""

import zlib
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from scim2_models import InvalidValueException, UniquenessException

from users import access
from users.audit.record import record_event
from users.identifiers import normalise_source_id
from users.scim.models import ProvisionedRole
from users.scim.scope import SourceAccess

TAKEN_GROUP_ID = "Another group of this source has this externalId."


def with_external_ids(source: SourceAccess, roles: QuerySet[Group]) -> QuerySet[Any]:
    """Returns the roles with the IDs that the source gave them as `external_id`; "" for none."""
    rows = ProvisionedRole.objects.filter(source=source.scope.source, role=OuterRef("pk"))
    found = Subquery(rows.values("external_id"), output_field=CharField())
    return roles.annotate(external_id=Coalesce(found, Value("")))


def external_id_version(external_id: str) -> str:
    """Returns a part of a group's version that differs between two IDs."""
    return f"{zlib.crc32(external_id.encode()):08x}"


def sent_external_id(resource: Any) -> str:
    """Returns the ID in a resource as it is stored. Raises InvalidValueException."""
    try:
        return normalise_source_id(resource.external_id or "")
    except ValidationError as error:
        detail = f"externalId: {' '.join(error.messages)}"
        raise InvalidValueException(detail=detail) from error


def set_external_id(source: SourceAccess, role: Any, external_id: str) -> None:
    """Stores the ID of a role from `with_external_ids`, whose row is locked, or removes it.
    Records an event if it changes. Raises Denied or UniquenessException.
    """
    old = role.external_id
    if external_id == old:
        return
    access.require(source.viewer, "change_groups")
    store_external_id(source, role, external_id)
    role.external_id = external_id
    record_event(
        "role.changed",
        actor=source.viewer,
        before=audited_external_id(source, role, old),
        after=audited_external_id(source, role, external_id),
        reason=f"Sent by {source.scope.source}.",
    )


def store_external_id(source: SourceAccess, role: Any, external_id: str) -> None:
    rows = ProvisionedRole.objects
    if not external_id:
        rows.filter(source=source.scope.source, role=role).delete()
        return
    try:
        with transaction.atomic():
            rows.update_or_create(
                source=source.scope.source,
                role=role,
                defaults={"external_id": external_id},
            )
    except IntegrityError as error:
        raise UniquenessException(detail=TAKEN_GROUP_ID) from error


def audited_external_id(source: SourceAccess, role: Any, external_id: str) -> dict[str, Any]:
    return {"role": role.name, "source": source.scope.source, "external_id": external_id}
