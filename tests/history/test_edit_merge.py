"""Editors who open and save one account in any order: nothing that anybody typed is lost without a
question.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.account_rows import events, row
from tests.builders import PASSWORD, make_user
from users import access
from users.exceptions import EditConflict
from users.models import User
from users.verbs.profile.verb import edit_profile
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db
FIELDS = ("first_name", "phone", "locale")
VALUES = {
    "first_name": ["", "Ada", "Eve"],
    "phone": ["", "12345", "67890"],
    "locale": ["", "en", "pt"],
}
EDITORS = [access.CommandActor(name) for name in ("ann", "bo", "cy")]

some_fields = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in VALUES.items()}
)
step = st.one_of(
    st.tuples(st.just("open"), st.integers(0, 2), st.just({})),
    st.tuples(st.just("save"), st.integers(0, 2), some_fields),
    st.tuples(st.just("suspend"), st.integers(0, 2), st.just({})),
)


def values(account: User) -> dict[str, str]:
    return {name: getattr(account, name) for name in FIELDS}


@pytest.mark.long
@given(st.lists(step, min_size=4, max_size=14), st.booleans())
@settings(max_examples=120, deadline=None)
def test_nothing_is_lost_and_the_events_explain_the_account(steps, gives_way):
    account = make_user(password=PASSWORD)
    seen: dict[int, tuple[int, dict[str, str]]] = {}
    for what, who, typed in steps:
        now = User.objects.get(pk=account.pk)
        if what == "suspend":
            toggle(now, EDITORS[who])
        elif what == "open" or who not in seen:
            seen[who] = now.version, values(now)
        else:
            version, original = seen.pop(who)
            save(now, EDITORS[who], version, original, original | typed, gives_way)
    assert_explained(account)


def toggle(account: User, by: access.CommandActor) -> None:
    if account.status == "active":
        suspend_account(account, by=by, reason="Spam")
    else:
        reinstate_account(account, by=by)


def save(
    now: User, by: access.CommandActor, version: int, original: dict, typed: dict, gives_way: bool
) -> None:
    """What the verb makes of it is what each field asks for; where it asks, the answer is saved
    from the newest version.
    """
    before = values(now)
    mine = {name for name in FIELDS if typed[name] != original[name]}
    theirs = {name for name in FIELDS if before[name] != original[name]}
    clashing = {name for name in mine & theirs if typed[name] != before[name]}
    wanted = before | {name: typed[name] for name in mine}
    if clashing:
        with pytest.raises(EditConflict) as caught:
            edit_profile(now, by=by, version=version, **typed)
        stale = caught.value
        assert {conflict.name for conflict in stale.conflicts} == clashing
        for conflict in stale.conflicts:
            name = conflict.name
            assert (conflict.original, conflict.yours, conflict.theirs) == (
                original[name],
                typed[name],
                before[name],
            )
        assert values(User.objects.get(pk=now.pk)) == before
        assert stale.settled == wanted
        answers = {name: before[name] if gives_way else typed[name] for name in clashing}
        done = edit_profile(now, by=by, version=stale.current.version, **stale.settled | answers)
        wanted = wanted | answers
    else:
        done = edit_profile(now, by=by, version=version, **typed)
    assert values(done) == values(User.objects.get(pk=now.pk)) == wanted


def assert_explained(account: User) -> None:
    state = dict.fromkeys(FIELDS, "") | {"status": "active"}
    for number, event in enumerate(events(account)):
        assert event.target_version == number + 2
        for name in state.keys() & event.before.keys():
            assert state[name] == event.before[name]
            state[name] = event.after[name]
    stored = row(account)
    assert {name: stored[name] for name in state} == state
    assert stored["version"] == len(events(account)) + 1
