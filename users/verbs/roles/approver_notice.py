"""The email to those who may decide about a request for a role."""

from users import access
from users.mail import outbox
from users.mail.models import Message
from users.permissions import permission_holders
from users.role_grants import memberships_in_effect
from users.role_models import RoleRequest, RoleSettings

MAX_RECIPIENTS = 50


def notify_approvers(request: RoleRequest) -> None:
    """Queues an email to each colleague who may decide, in the caller's transaction."""
    codename = access.PERMISSIONS["approve_role"].partition(".")[2]
    people = permission_holders(codename).exclude(pk__in=[request.by_id, request.account_id])
    settings = RoleSettings.objects.filter(group=request.group_id).first()
    if request.is_superuser:
        people = people.filter(is_superuser=True)
    elif settings and settings.approver_id:
        held = memberships_in_effect().filter(group_id=settings.approver_id)
        people = people.filter(pk__in=held.values("user_id"))
    for person in people[:MAX_RECIPIENTS]:
        outbox.post_message(Message.Kind.ROLE_REQUESTED, person)
