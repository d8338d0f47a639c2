"""The declarations of the verbs: complete, and of one mind with the code that they name."""

from pathlib import Path

import pytest
from django.template.loader import get_template
from django.urls import reverse

import users.verbs
from users import access
from users.audit.actions import ACTION_LABELS
from users.bulk.registry import ACTIONS_BY_SLUG, ordered_actions
from users.models import State, User
from users.verbs.declaration import VERB_TEMPLATE, Verb
from users.verbs.registry import VERBS

pytestmark = pytest.mark.sqlite  # of declarations, and not of the database
each_verb = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
FOLDER = Path(users.verbs.__file__).parent


def test_every_folder_declares_its_verb_in_the_registry():
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    assert {verb.change.__module__.split(".")[2] for verb in VERBS} == folders
    assert len(VERBS) == len(folders)


@pytest.mark.parametrize("field", ["name", "path", "event"])
def test_no_two_verbs_share(field):
    values = [getattr(verb, field) for verb in VERBS]
    assert len(values) == len(set(values))


@each_verb
def test_each_verb_is_known_to_the_gate_and_to_the_trail(verb: Verb):
    assert verb.action in access.PERMISSIONS
    assert ACTION_LABELS[verb.event] == verb.event_label
    assert ACTION_LABELS.items() >= verb.more_events.items()


@each_verb
def test_each_verb_has_an_address_below_that_of_the_account(verb: Verb):
    assert reverse(verb.url_name, args=[7]) == f"/users/7/{verb.path}"


@each_verb
def test_verbs_that_share_an_action_declare_its_permission_once(verb: Verb):
    declared = [each for each in VERBS if each.action == verb.action and each.permission]
    assert len(declared) == 1
    assert declared[0].permission_label
    assert declared[0].roles


@each_verb
def test_a_plain_verb_has_a_form_a_message_and_texts_and_another_a_view(verb: Verb):
    if verb.view:
        assert verb.texts is None
        assert not verb.done
    else:
        assert verb.done
        assert verb.texts or verb.template != VERB_TEMPLATE
        get_template(verb.template)


@each_verb
def test_the_bulk_form_of_a_verb_asks_the_same_permission_and_writes_the_same_event(verb: Verb):
    if verb.bulk:
        assert (verb.bulk.action, verb.bulk.event) == (verb.action, verb.event)
        assert isinstance(ACTIONS_BY_SLUG[verb.bulk.slug], verb.bulk)


def test_every_bulk_action_has_a_place_of_its_own():
    positions = [action.position for action in ordered_actions()]
    assert len(positions) == len(set(positions))
    assert positions == sorted(positions)


def test_a_title_names_the_account_whatever_it_is_called():
    account = User(pk=7, username="ann", first_name="{name} <b>", status=State.ACTIVE)
    for verb in VERBS:
        if verb.texts:
            assert verb.texts.fill_in(account)["title"] == verb.texts.title.replace(
                "{name}", account.display_name
            )
