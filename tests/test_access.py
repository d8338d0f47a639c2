"""The gate: each role, each action, each kind of target."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission

from tests.builders import make_superuser, make_user
from users import access
from users.access_setup import ability
from users.models import State, User

pytestmark = pytest.mark.django_db
NOTES = {"add_note", "edit_note", "pin_note"}
DESK = NOTES | {
    "view",
    "view_roles",
    "request_role",
    "view_personal",
    "reveal_personal",
    "view_jobs",
    "view_suppressions",
    "edit",
    "suspend",
    "reinstate",
    "end_sessions",
    "end_lockout",
    "reset_password",
    "require_password_change",
    "verify_email",
    "write",
}
LEAD = {
    "invite",
    "view_audit",
    "share_view",
    "control_jobs",
    "delete",
    "restore",
    "set_end_date",
    "change_groups",
    "approve_bulk",
    "export",
    "import",
    "manage_suppressions",
    "send_campaigns",
    "create_token",
}
HEAD = {
    "export_hashes",
    "import_passwords",
    "view_exports",
    "assign_roles",
    "view_status",
    "reset_second_factor",
    "erase",
    "approve_role",
    "manage_roles",
    "manage_links",
    "review_access",
    "manage_services",
    "manage_tokens",
    "view_webhooks",
    "manage_webhooks",
}
ACTIONS = sorted(DESK | LEAD | HEAD)
# What each may do where there is no target, or an ordinary account is the target.
MAY = {
    "Viewer": {"view", "reveal_personal", "view_roles", "request_role"},
    "Auditor": {
        "view",
        "view_roles",
        "request_role",
        "view_personal",
        "reveal_personal",
        "view_audit",
        "view_jobs",
        "view_suppressions",
        "export",
        "view_exports",
        "view_webhooks",
    },
    "Support": DESK,
    "Manager": DESK | LEAD,
    "Administrator": set(ACTIONS),
    "superuser": set(ACTIONS),
    "staff without a role": set(),
    "somebody with rights who is not staff": set(),
    "suspended administrator": set(),
    "ended administrator": set(),
    "invited administrator": set(),
    "nobody": set(),
}
LOOKING = {
    "view",
    "view_personal",
    "reveal_personal",
    "export",
    "import",
    "view_exports",
    "view_audit",
    "view_status",
    "view_jobs",
    "send_campaigns",
    "view_suppressions",
    "view_roles",
    "request_role",
    "view_webhooks",
}
TO_ONESELF = NOTES | {
    "view",
    "view_roles",
    "request_role",
    "manage_roles",
    "approve_role",
    "review_access",
    "view_webhooks",
    "manage_webhooks",
    "view_personal",
    "reveal_personal",
    "write",
    "export",
    "import",
    "export_hashes",
    "import_passwords",
    "view_exports",
    "view_audit",
    "invite",
    "edit",
    "end_sessions",
    "end_lockout",
    "share_view",
    "view_status",
    "view_jobs",
    "view_suppressions",
    "control_jobs",
    "manage_suppressions",
    "send_campaigns",
    "approve_bulk",
    "create_token",
    "manage_services",
    "manage_tokens",
}
# Who keeps their actions towards each kind of target; the others may only look at it.
ADMINISTRATORS = {"Administrator", "superuser"}
SUPERUSERS = {"superuser"}
TOWARDS = {
    "an ordinary account": set(MAY),
    "a viewer": ADMINISTRATORS,
    "a support agent": ADMINISTRATORS,
    "an administrator": ADMINISTRATORS,
    "staff with one right more": SUPERUSERS,
    "suspended staff with one right more": SUPERUSERS,
    "former staff with one right more": SUPERUSERS,
    "a superuser": SUPERUSERS,
    "a suspended superuser": SUPERUSERS,
}


def make_actor(name: str):
    makers = {
        "superuser": make_superuser,
        "nobody": AnonymousUser,
        "staff without a role": lambda: make_user(is_staff=True),
        "somebody with rights who is not staff": lambda: make_user("Administrator", is_staff=False),
        "suspended administrator": lambda: make_user("Administrator", status=State.SUSPENDED),
        "ended administrator": lambda: make_user("Administrator", valid_until="2020-01-01T00:00Z"),
        "invited administrator": lambda: make_user("Administrator", status=State.INVITED),
    }
    actor = makers.get(name, lambda: make_user(name))()
    return actor if actor.pk is None else fresh(actor)


def make_target(name: str) -> User:
    def more(**fields) -> User:
        account = make_user("Viewer", **fields)
        account.user_permissions.add(Permission.objects.get(codename="add_group"))
        return account

    return {
        "an ordinary account": make_user,
        "a viewer": lambda: make_user("Viewer"),
        "a support agent": lambda: make_user("Support"),
        "an administrator": lambda: make_user("Administrator"),
        "staff with one right more": more,
        "suspended staff with one right more": lambda: more(status=State.SUSPENDED),
        "former staff with one right more": lambda: more(is_staff=False),
        "a superuser": make_superuser,
        "a suspended superuser": lambda: make_superuser(status=State.SUSPENDED),
    }[name]()


def fresh(account: User) -> User:
    """Without the permissions that Django keeps on the object."""
    return User.objects.get(pk=account.pk)


def test_every_action_of_the_gate_is_in_the_tables_here():
    assert sorted(access.PERMISSIONS) == ACTIONS


def test_every_permission_that_the_gate_asks_for_exists():
    names = {
        f"users.{codename}" for codename in Permission.objects.values_list("codename", flat=True)
    }
    assert {*access.PERMISSIONS.values(), access.MANAGE_STAFF} <= names


@pytest.mark.parametrize("role", MAY)
def test_what_a_role_may_do(role):
    actor = make_actor(role)
    assert {action for action in ACTIONS if access.may(actor, action)} == MAY[role]


@pytest.mark.sqlite  # of rules, and not of the database
@pytest.mark.parametrize("kind", TOWARDS)
@pytest.mark.parametrize("role", MAY)
def test_what_a_role_may_do_to_whom(role, kind):
    actor = make_actor(role)
    target = make_target(kind)
    expected = MAY[role] if role in TOWARDS[kind] else MAY[role] & LOOKING
    assert (
        {action for action in ACTIONS if access.may(actor, action, target)}
        == expected
        == access.allowed_actions(actor, target)
    )


@pytest.mark.parametrize("role", [role for role in MAY if role != "nobody"])
def test_nobody_suspends_reinstates_or_promotes_themselves(role):
    actor = make_actor(role)
    expected = MAY[role] & TO_ONESELF
    assert {action for action in ACTIONS if access.may(actor, action, fresh(actor))} == expected
    assert access.allowed_actions(actor, fresh(actor)) == expected


@pytest.mark.sqlite  # of rules, and not of the database
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("kind", [*TOWARDS, ""])
def test_a_command_may_do_everything(action, kind):
    assert access.may(access.CommandActor("seed"), action, make_target(kind) if kind else None)


def test_a_command_is_named_in_events_and_has_no_account():
    command = access.CommandActor("import_accounts")
    assert (str(command), command.pk) == ("command import_accounts", None)


def test_all_that_is_allowed_is_asked_for_with_one_query(django_assert_num_queries):
    actor = make_actor("Administrator")
    target = make_target("a viewer")
    access.may(actor, "edit", target)
    with django_assert_num_queries(1):
        assert "suspend" in access.allowed_actions(actor, target)


# --- what a refusal says --------------------------------------------------------------------------


def denial(actor, action: str, target: User | None = None) -> access.Denied:
    with pytest.raises(access.Denied) as caught:
        access.require(actor, action, target)
    return caught.value


@pytest.mark.parametrize("action", ACTIONS)
def test_a_refusal_names_the_permission_that_the_role_lacks(action):
    actor = make_user(is_staff=True)
    target = make_user()
    denied = denial(actor, action, target)
    assert denied.permission == access.PERMISSIONS[action]
    assert f"Only a role that can {ability(denied.permission)} may" in denied.reason
    assert "users." not in denied.reason
    assert (denied.action, denied.target) == (action, target)


def test_a_refusal_to_touch_a_colleague_names_the_permission_for_that():
    denied = denial(make_user("Support"), "suspend", make_user("Viewer"))
    assert denied.permission == "users.manage_staff"
    assert denied.reason.endswith("Only a role that can manage staff accounts may change it.")


@pytest.mark.parametrize(
    "kind", ["staff with one right more", "former staff with one right more", "a superuser"]
)
def test_a_refusal_that_no_permission_would_help_names_none(kind):
    assert denial(make_user("Administrator"), "edit", make_target(kind)).permission == ""


def test_who_is_not_staff_is_told_so():
    assert (
        denial(make_user("Administrator", is_staff=False), "view").reason
        == "Only active staff may use the back office."
    )


def test_the_gate_asks_the_database_as_often_for_an_account_with_many_roles_as_for_one_with_none(
    django_assert_num_queries,
):
    actor = make_user("Administrator")
    target = make_user()
    access.may(actor, "edit", target)
    for groups in ([], Group.objects.all()):
        target.groups.set(groups)
        with django_assert_num_queries(1):
            access.may(actor, "edit", target)


# --- grants ---------------------------------------------------------------------------------------


def may_grant(
    actor,
    *roles: str,
    is_staff: bool = False,
    is_superuser: bool = False,
    target: User | None = None,
) -> bool:
    groups = list(Group.objects.filter(name__in=roles))
    assert len(groups) == len(roles)
    return not access.grant_refusal(
        actor, groups=groups, is_staff=is_staff, is_superuser=is_superuser, target=target
    )


def make_lead() -> User:
    """Support that may also hand out roles and act on staff."""
    account = make_user("Support")
    account.user_permissions.add(
        *Permission.objects.filter(codename__in=["assign_roles", "manage_staff"])
    )
    return fresh(account)


def test_nobody_grants_what_they_do_not_have():
    lead = make_lead()
    assert may_grant(lead, "Support", "Viewer", is_staff=True)
    assert not may_grant(lead, "Manager", is_staff=True)
    assert not may_grant(lead, "Support", "Administrator")
    assert may_grant(
        fresh(make_user("Administrator")),
        "Administrator",
        "Manager",
        "Support",
        "Auditor",
        is_staff=True,
    )


def test_the_refusal_of_a_grant_names_what_is_missing():
    auditor = list(Group.objects.filter(name="Auditor"))
    why = access.grant_refusal(make_lead(), groups=auditor, is_staff=True, is_superuser=False)
    assert (
        why.reason
        == "Only someone with these permissions can grant them: export accounts to files, "
        "see the audit trail, see everyone’s exports, and 1 more."
    )
    assert why.permission == "users.export_user"


def test_a_role_that_an_account_has_already_is_no_grant():
    target = make_user("Manager")
    target.groups.add(Group.objects.get(name="Viewer"))
    assert may_grant(make_lead(), "Manager", is_staff=True, target=target)


def test_making_somebody_staff_takes_a_permission_of_its_own():
    actor = make_user("Manager")
    actor.user_permissions.add(Permission.objects.get(codename="assign_roles"))
    actor = fresh(actor)
    assert may_grant(actor, "Support")
    assert not may_grant(actor, is_staff=True)
    assert not may_grant(actor, is_staff=True, target=make_user())
    assert may_grant(actor, is_staff=True, target=make_user("Viewer"))


def test_only_a_superuser_and_a_command_make_a_superuser():
    assert not may_grant(fresh(make_user("Administrator")), is_staff=True, is_superuser=True)
    assert may_grant(make_superuser(), is_staff=True, is_superuser=True)
    assert may_grant(access.CommandActor("createsuperuser"), is_staff=True, is_superuser=True)


def test_rights_count_while_their_owner_is_suspended_or_has_left():
    """Else somebody could take over the account now and use its rights when it is back."""
    for fields in ({"status": State.SUSPENDED}, {"is_staff": False}):
        target = make_user("Administrator", **fields)
        assert access.stored_permissions(target) >= {"users.assign_roles", "users.manage_staff"}
        assert not access.may(make_lead(), "edit", target)
        assert not access.may(make_lead(), "assign_roles", target)
