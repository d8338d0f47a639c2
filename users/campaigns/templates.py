"""Templates of announcements: created, changed and archived by staff.

Each change checks access, compares the version and writes an event in one transaction.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404
from django.shortcuts import get_object_or_404

from users import access
from users.audit.actions import register_label
from users.audit.record import record_event
from users.campaigns.lifecycle import SEND_CAMPAIGNS
from users.campaigns.models import EmailTemplate
from users.database.clock import current_time

# What staff write, and events record.
TEMPLATE_VALUES = ("name", "subject", "text", "translations")
TEMPLATE_EVENTS = {
    "template.created": "Created an email template",
    "template.changed": "Changed an email template",
    "template.archived": "Archived an email template",
    "template.restored": "Restored an email template",
}
for event_name, event_label in TEMPLATE_EVENTS.items():
    register_label(event_name, event_label)


class StaleTemplate(Exception):
    """The template has changed since the version that the user saw. `current` is its new state."""

    def __init__(self, current: EmailTemplate):
        super().__init__(f"{current} is at version {current.version}.")
        self.current = current


def find_template(viewer: Any, pk: int) -> EmailTemplate:
    """Returns a template. Raises Denied or Http404."""
    access.require(viewer, SEND_CAMPAIGNS)
    return get_object_or_404(EmailTemplate, pk=pk)


def create_template(*, by: Any, **values: Any) -> EmailTemplate:
    """Returns the new template. Raises ValidationError if its name is taken."""
    access.require(by, SEND_CAMPAIGNS)
    template = EmailTemplate(updated_by_id=by.pk, **values)
    with transaction.atomic():
        store_template(template)
        after = {"template": template.pk} | {name: values[name] for name in TEMPLATE_VALUES}
        record_event("template.created", actor=by, after=after)
    return template


def change_template(
    template: EmailTemplate, *, by: Any, version: int, **values: Any
) -> EmailTemplate:
    """Returns the changed template. Raises StaleTemplate or, for a name in use, ValidationError."""
    with transaction.atomic():
        current = lock_template(template, by)
        if current.version != version:
            raise StaleTemplate(current)
        changed = [name for name in TEMPLATE_VALUES if getattr(current, name) != values[name]]
        if not changed:
            return current
        before = {name: getattr(current, name) for name in changed}
        for name in changed:
            setattr(current, name, values[name])
        touch_template(current, by)
        record_event(
            "template.changed",
            actor=by,
            before={"template": current.pk} | before,
            after={"template": current.pk} | {name: values[name] for name in changed},
        )
    return current


def archive_template(template: EmailTemplate, *, by: Any, archived: bool = True) -> EmailTemplate:
    """Takes a template out of the list, or puts it back. Records only a change."""
    with transaction.atomic():
        current = lock_template(template, by)
        if bool(current.archived_at) == archived:
            return current
        current.archived_at = current_time() if archived else None
        touch_template(current, by)
        action = "template.archived" if archived else "template.restored"
        record_event(action, actor=by, after={"template": current.pk, "name": current.name})
    return current


def lock_template(template: EmailTemplate, by: Any) -> EmailTemplate:
    """Returns the current row, locked. Raises Denied, and Http404 if it is gone."""
    access.require(by, SEND_CAMPAIGNS)
    current = EmailTemplate.objects.select_for_update().filter(pk=template.pk).first()
    if current is None:
        raise Http404
    return current


def touch_template(template: EmailTemplate, by: Any) -> None:
    """Stores the template as its next version."""
    template.version += 1
    template.updated_at = current_time()
    template.updated_by_id = by.pk
    store_template(template)


def store_template(template: EmailTemplate) -> None:
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        raise ValidationError({"name": "Another template has this name."}) from error
