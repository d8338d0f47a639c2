"""Requests for a role: made by staff for themselves, and decided by a colleague. What one
administrator gave, and was held back (users/verbs/roles/approval.py), another one decides.
"""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet

from users import access
from users.administrators import lock_administrators
from users.audit.record import record_event
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.jobs.ties import find_ties
from users.models import User
from users.role_grants import groups_in_effect
from users.role_models import RoleRequest, RoleSettings
from users.verbs.role_addition.verb import add_roles
from users.verbs.roles.approval import approval_sentence, requested_values, store_request
from users.verbs.roles.verb import assign_roles
from users.web.forms import REASON_MAX

State = RoleRequest.State
OWN_REQUEST = "You can’t decide about your own request. Ask a colleague."
NOT_REQUESTABLE = "This role can’t be requested."
HELD = "You already have this role."
GONE = "The role or the account no longer exists."
DECIDED = "This request is already {}."
TIED = "You can’t approve this request. {} Ask another colleague."


def requestable_roles(account: User) -> QuerySet[Group]:
    """Returns the roles that an account may request."""
    settings = RoleSettings.objects.filter(requestable=True)
    offered = Group.objects.filter(pk__in=settings.values("group_id"))
    return offered.exclude(user=account).order_by("pk")


def request_role(*, by: User, group: Group, days: int, reason: str) -> RoleRequest:
    """Requests a role for oneself. Raises access.Denied or VerbRefused."""
    access.require(by, "request_role")
    if not requestable_roles(by).filter(pk=group.pk).exists():
        raise VerbRefused(HELD if by.groups.filter(pk=group.pk).exists() else NOT_REQUESTABLE)
    with transaction.atomic():
        account = User.objects.select_for_update(of=("self",)).get(pk=by.pk)
        return store_request(account, by=by, group=group, days=days, reason=reason)


def decidable_requests(viewer: User) -> QuerySet[RoleRequest]:
    """Returns the waiting requests about which this approver may decide."""
    waiting = RoleRequest.objects.filter(state=State.WAITING)
    others = waiting.exclude(Q(by_id=viewer.pk) | Q(account_id=viewer.pk))
    if viewer.is_superuser:
        return others
    reserved = RoleSettings.objects.filter(approver__isnull=False)
    foreign = reserved.exclude(approver__in=groups_in_effect(viewer.pk))
    return others.filter(is_superuser=False).exclude(group__in=foreign.values("group_id"))


def approve_request(request: RoleRequest, *, by: Any, reason: str = "") -> RoleRequest:
    """Gives what was requested. Raises access.Denied or VerbRefused."""
    with transaction.atomic():
        # Before anything else, as verbs and changes of roles do.
        lock_administrators()
        row = lock_waiting(request)
        account = User.objects.filter(pk=row.account_id).first()
        if account is None or (row.group is None and not row.is_superuser):
            raise VerbRefused(GONE)
        require_approver(by, row, account)
        store_decision(row, State.APPROVED, by, reason)
        record_decision("account.role_approved", row, account, by, reason)
        give_requested(row, account, by)
    return row


def decline_request(request: RoleRequest, *, by: Any, reason: str = "") -> RoleRequest:
    with transaction.atomic():
        row = lock_waiting(request)
        if refusal := decision_refusal(by, row):
            raise access.Denied("approve_role", refusal)
        access.require(by, "approve_role")
        close_request(row, State.DECLINED, "account.role_declined", by, reason)
    return row


def cancel_request(request: RoleRequest, *, by: Any) -> RoleRequest:
    """Takes a request back. Only who made it may."""
    with transaction.atomic():
        row = lock_waiting(request)
        if by.pk != row.by_id:
            raise access.Denied("request_role", "Only the requester can cancel a request.")
        close_request(row, State.CANCELLED, "account.role_cancelled", by, "")
    return row


def lock_waiting(request: RoleRequest) -> RoleRequest:
    """Returns the request, locked. Raises VerbRefused if it is decided already."""
    rows = RoleRequest.objects.select_for_update(of=("self",))
    row = rows.get(pk=request.pk)
    if row.state != State.WAITING:
        raise VerbRefused(DECIDED.format(row.get_state_display().lower()))
    return row


def require_approver(by: Any, row: RoleRequest, account: User) -> None:
    """Raises access.Denied unless `by` may approve the request, and the requester of an
    administrator role may still give it.
    """
    access.require(by, "approve_role")
    if refusal := decision_refusal(by, row):
        raise access.Denied("approve_role", refusal, target=account)
    if row.is_own:
        return
    requester = User.objects.filter(pk=row.by_id).first()
    if requester is None or not may_still_give(requester, row, account):
        text = f"{row.by_text} may no longer give this role. Decline the request."
        raise access.Denied("approve_role", text, target=account)
    if ties := find_ties(requester, by):
        raise access.Denied("approve_role", TIED.format(" ".join(ties)), target=account)


def decision_refusal(by: Any, row: RoleRequest) -> str:
    """Returns why `by` is not the person to decide; "" if they are."""
    if by.pk in (row.by_id, row.account_id):
        return OWN_REQUEST
    settings = RoleSettings.objects.filter(group=row.group_id).select_related("approver").first()
    approver = settings.approver if settings else None
    if (
        approver is None
        or by.is_superuser
        or groups_in_effect(by.pk).filter(pk=approver.pk).exists()
    ):
        return ""
    return f"Only holders of {approver.name} decide about this role."


def may_still_give(requester: User, row: RoleRequest, account: User) -> bool:
    """Returns whether the requester may give the account what they requested for it, now."""
    actions = ("assign_roles",) if row.is_superuser else ("assign_roles", "change_groups")
    if all(access.find_refusal(requester, action, account) for action in actions):
        return False
    refusal = access.grant_refusal(
        requester,
        groups=[row.group] if row.group else [],
        is_staff=False,
        is_superuser=row.is_superuser,
        target=account,
    )
    return refusal is None


def give_requested(row: RoleRequest, account: User, by: Any) -> None:
    """Gives the role or the superuser status in the name of the approver. An administrator role
    that somebody requested for themselves waits for a second administrator then.
    """
    reason = f"Requested by {row.by_text}: {row.reason}"[:REASON_MAX]
    if row.is_superuser:
        assign_roles(
            account,
            by=by,
            groups=account.groups.all(),
            is_staff=True,
            is_superuser=True,
            reason=reason,
            version=account.version,
            approved=True,
        )
        return
    until = role_end(row)
    groups = [group for group in (row.group,) if group]
    approved = not row.is_own
    changed = add_roles(
        account,
        by=by,
        groups=groups,
        until=until,
        reason=reason,
        approved=approved,
    )
    row.outcome = approval_sentence(changed)  # type: ignore[attr-defined]


def role_end(row: RoleRequest) -> datetime | None:
    """Returns when the role will end, if it is approved now."""
    return current_time() + timedelta(days=row.days) if row.days else row.until


def close_request(row: RoleRequest, state: State, event: str, by: Any, reason: str) -> None:
    """Ends a request without giving anything."""
    store_decision(row, state, by, reason)
    account = User.objects.filter(pk=row.account_id).first()
    record_decision(event, row, account, by, reason)


def store_decision(row: RoleRequest, state: State, by: Any, reason: str) -> None:
    row.state = state
    row.decided_by_id = by.pk
    row.decided_by_text = str(by)[:255]
    row.decided_at = current_time()
    row.answer = reason
    row.save()


def record_decision(
    event: str, row: RoleRequest, account: User | None, by: Any, reason: str
) -> None:
    record_event(
        event,
        actor=by,
        target=account,
        after=requested_values(row),
        reason=reason,
        ticket=row.ticket,
    )
