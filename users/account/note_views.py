"""The notes of an account: the tab with the form for a new one, and the URLs that change one."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from users import access
from users.account import page
from users.audit.privileged_fields import record_privileged_fields
from users.exceptions import VerbRefused
from users.models import User
from users.notes.changes import add_note, edit_note, pin_note, require_own
from users.notes.forms import EditNoteForm, NoteForm
from users.notes.models import Note
from users.notes.note_list import notes_page
from users.verbs.form_submission import bind_form, submit_form
from users.web.error_page import error_page
from users.web.forms import form_page, form_status
from users.web.query_string import refuse_bad_parameters


@form_page
def index(request, pk: int):
    account = page.get_page_account(request, "add_note" if request.method == "POST" else "view", pk)
    form = bind_form(
        request,
        NoteForm,
        "add_note",
        account,
        with_pin=access.holds_permission(request.user, "pin_note"),
    )
    if submit_form(form, add_note, account, by=request.user):
        messages.success(request, "Note added.")
        return redirect("account-notes", pk)
    return page.uncached_tab(
        request, account, "account-notes", partial(notes_content, form), status=form_status(form)
    )


def notes_content(form: NoteForm, request, account: User, shell: dict[str, Any]) -> dict[str, Any]:
    with refuse_bad_parameters(f"/users/{account.pk}/notes/"):
        return {"form": form} | notes_page(account, request.GET)


@form_page
def edit(request, pk: int, number: int):
    account, note = get_note(request, "edit_note", pk, number)
    require_own(note, request.user, account)
    form = bind_form(
        request,
        EditNoteForm,
        "edit_note",
        account,
        initial={"text": note.text, "version": note.version},
    )
    if submit_form(form, edit_note, note, by=request.user):
        messages.success(request, "Note saved.")
        return redirect("account-notes", pk)
    if form.has_error("__all__", "refused"):
        form.update_version(Note.objects.get(pk=note.pk).version)
    context = {
        "form": form,
        "account": account,
        "note": note,
    }
    return render(request, "users/account/note.html", context, status=form_status(form))


@require_POST
def note_pin(request, pk: int, number: int):
    message = "Note pinned. It shows on every tab."
    return set_note_pin(request, pk, number, pinned=True, message=message)


@require_POST
def note_pin_end(request, pk: int, number: int):
    return set_note_pin(request, pk, number, pinned=False, message="Note unpinned.")


def set_note_pin(request, pk: int, number: int, *, pinned: bool, message: str):
    account, note = get_note(request, "pin_note", pk, number)
    record_privileged_fields(request, "pin_note", account)
    try:
        pin_note(note, by=request.user, pinned=pinned)
    except VerbRefused as refused:
        return error_page(request, 409, refused.message, back=f"/users/{pk}/notes/")
    messages.success(request, message)
    return redirect("account-notes", pk)


def get_note(request, action: str, pk: int, number: int) -> tuple[User, Note]:
    """Returns the account and a note about it. Raises Http404, and Denied.

    `action`: the action of users.access that the viewer needs.
    """
    account = page.get_page_account(request, "view", pk)
    note = Note.objects.select_related("account").filter(pk=number, account=account).first()
    if note is None:
        raise Http404
    access.require(request.user, action, account)
    return account, note
