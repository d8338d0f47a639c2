"""A page for each verb that asks for something first: what it takes, and what is true afterwards."""

from users.verbs.deletion.page import DeletionForm
from users.verbs.deletion.verb import delete_account
from users.verbs.end_date.page import EndDateForm
from users.verbs.end_date.verb import set_end_date
from users.verbs.end_date_removal.verb import clear_end_date
from users.verbs.erasure.page import ErasureForm
from users.verbs.erasure.verb import erase_account
from users.verbs.forms import ConfirmForm
from users.verbs.letter.page import LetterForm
from users.verbs.letter.verb import send_letter
from users.verbs.password_change.verb import require_password_change
from users.verbs.password_reset.verb import send_password_reset
from users.verbs.reinstatement.page import ReinstatementForm
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.restoration.verb import restore_account
from users.verbs.role_addition.page import AddToGroupsForm
from users.verbs.role_addition.verb import add_to_groups
from users.verbs.role_removal.page import RemoveFromGroupsForm
from users.verbs.role_removal.verb import remove_from_groups
from users.verbs.second_factor_reset.verb import reset_second_factor
from users.verbs.suspension.page import SuspensionForm
from users.verbs.suspension.verb import suspend_account
from users.verbs.verb_page import verb_page
from users.verbs.verification.page import VerificationForm
from users.verbs.verification.verb import verify_email
from users.verbs.verification_email.verb import send_verification
from users.web.forms import OptionalReasonForm, ReasonForm

suspension = verb_page(
    "suspend",
    suspend_account,
    SuspensionForm,
    "suspension",
    done="{name} suspended. All sessions ended.",
    blast=True,
)
suspension_end = verb_page(
    "reinstate",
    reinstate_account,
    ReinstatementForm,
    "reinstatement",
    done="{name} reinstated. Status: {state}.",
)
end_date = verb_page(
    "set_end_date", set_end_date, EndDateForm, "end_date", done="End date set to {until}."
)
end_date_end = verb_page(
    "set_end_date",
    clear_end_date,
    OptionalReasonForm,
    "end_date_end",
    done="End date cleared.",
)
deletion = verb_page(
    "delete",
    delete_account,
    DeletionForm,
    "deletion",
    done="{name} moved to the recycle bin. All sessions ended.",
    blast=True,
)
deletion_end = verb_page(
    "restore",
    restore_account,
    OptionalReasonForm,
    "restoration",
    done="{name} restored. Status: {state}.",
)
erasure = verb_page(
    "erase",
    erase_account,
    ErasureForm,
    "erasure",
    done="Account erased. Only the id and audit trail remain.",
    blast=True,
)
password_reset = verb_page(
    "reset_password",
    send_password_reset,
    ConfirmForm,
    "password_reset",
    done="Email to {email} queued.",
)
password_change = verb_page(
    "require_password_change",
    require_password_change,
    OptionalReasonForm,
    "password_change",
    done="{name} must change the password at the next sign-in.",
)
verification = verb_page(
    "verify_email",
    verify_email,
    VerificationForm,
    "verification",
    done="Address of {name} verified.",
)
verification_mail = verb_page(
    "verify_email",
    send_verification,
    ConfirmForm,
    "verification_mail",
    done="Email to {email} queued.",
)
letter = verb_page("write", send_letter, LetterForm, "letter", done="Email to {email} queued.")
second_factor_reset = verb_page(
    "reset_second_factor",
    reset_second_factor,
    ReasonForm,
    "second_factor_reset",
    done="Second factor of {name} reset. All sessions ended.",
)
groups = verb_page(
    "change_groups",
    add_to_groups,
    AddToGroupsForm,
    "groups",
    done="Added {name} to {roles}.",
)
groups_end = verb_page(
    "change_groups",
    remove_from_groups,
    RemoveFromGroupsForm,
    "groups_end",
    done="Removed {name} from {roles}.",
)
