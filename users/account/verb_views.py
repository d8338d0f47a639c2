"""A page for each verb that asks for something first: what it takes, and what is true afterwards."""

from users.account import verbs
from users.account.asks import asks
from users.account.verb_forms import (
    AddToGroupsForm,
    DeletionForm,
    EndDateForm,
    ErasureForm,
    KnownAddressForm,
    LetterForm,
    NothingForm,
    OptionalReasonForm,
    ReasonForm,
    ReinstatementForm,
    RemoveFromGroupsForm,
    SuspensionForm,
)

suspension = asks(
    "suspend",
    verbs.suspend,
    SuspensionForm,
    "suspension",
    done="{name} suspended. All sessions ended.",
    blast=True,
)
suspension_end = asks(
    "reinstate",
    verbs.reinstate,
    ReinstatementForm,
    "reinstatement",
    done="{name} reinstated. Status: {state}.",
)
end_date = asks(
    "set_end_date", verbs.set_end_date, EndDateForm, "end_date", done="End date set to {until}."
)
end_date_end = asks(
    "set_end_date",
    verbs.clear_end_date,
    OptionalReasonForm,
    "end_date_end",
    done="End date cleared.",
)
deletion = asks(
    "delete",
    verbs.delete,
    DeletionForm,
    "deletion",
    done="{name} moved to the recycle bin. All sessions ended.",
    blast=True,
)
deletion_end = asks(
    "restore",
    verbs.restore,
    OptionalReasonForm,
    "restoration",
    done="{name} restored. Status: {state}.",
)
erasure = asks(
    "erase",
    verbs.erase,
    ErasureForm,
    "erasure",
    done="Account erased. Only the id and audit trail remain.",
    blast=True,
)
password_reset = asks(
    "reset_password",
    verbs.send_password_reset,
    NothingForm,
    "password_reset",
    done="Email to {email} queued.",
)
password_change = asks(
    "require_password_change",
    verbs.require_password_change,
    OptionalReasonForm,
    "password_change",
    done="{name} must change the password at the next sign-in.",
)
verification = asks(
    "verify_email",
    verbs.verify_email,
    KnownAddressForm,
    "verification",
    done="Address of {name} verified.",
)
verification_mail = asks(
    "verify_email",
    verbs.send_verification,
    NothingForm,
    "verification_mail",
    done="Email to {email} queued.",
)
letter = asks("write", verbs.write, LetterForm, "letter", done="Email to {email} queued.")
second_factor_reset = asks(
    "reset_second_factor",
    verbs.reset_second_factor,
    ReasonForm,
    "second_factor_reset",
    done="Second factor of {name} reset. All sessions ended.",
)
groups = asks(
    "change_groups",
    verbs.add_to_groups,
    AddToGroupsForm,
    "groups",
    done="Added {name} to {roles}.",
)
groups_end = asks(
    "change_groups",
    verbs.remove_from_groups,
    RemoveFromGroupsForm,
    "groups_end",
    done="Removed {name} from {roles}.",
)
