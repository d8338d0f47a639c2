from django.urls import path

from users.account import doctor_views, history_views, note_views, session_views, tab_views, views
from users.verbs import views as verb_views
from users.verbs.invitation.page import invitation, new
from users.verbs.letter.page import letter_sample
from users.verbs.profile import field_page
from users.verbs.profile.page import edit
from users.verbs.reveal.page import reveal
from users.verbs.roles.page import roles

urlpatterns = [
    path("new/", new, name="account-new"),
    path("doctor/", doctor_views.find, name="doctor"),
    path("<int:pk>/", views.show, name="account"),
    path("<int:pk>/sign-ins/", session_views.signins, name="account-signins"),
    path("<int:pk>/sessions/end/", session_views.end_all, name="account-sessions-end"),
    path(
        "<int:pk>/sessions/<uuid:public_id>/end/", session_views.end_one, name="account-session-end"
    ),
    path("<int:pk>/lockout/end/", session_views.end_lockout, name="account-lockout-end"),
    path("<int:pk>/doctor/", doctor_views.doctor, name="account-doctor"),
    path("<int:pk>/access/", tab_views.access, name="account-access"),
    path("<int:pk>/mail/", tab_views.mail, name="account-mail"),
    path("<int:pk>/history/", history_views.show, name="account-history"),
    path("<int:pk>/history/<slug:name>/", history_views.put_back, name="account-put-back"),
    path("<int:pk>/activity/", tab_views.activity, name="account-activity"),
    path("<int:pk>/notes/", note_views.index, name="account-notes"),
    path("<int:pk>/notes/<int:number>/edit/", note_views.edit, name="account-note-edit"),
    path("<int:pk>/notes/<int:number>/pin/", note_views.pin, name="account-note-pin"),
    path("<int:pk>/notes/<int:number>/pin/end/", note_views.pin_end, name="account-note-pin-end"),
    path("<int:pk>/edit/", edit, name="account-edit"),
    path("<int:pk>/edit/<slug:name>/", field_page.edit, name="account-edit-field"),
    path("<int:pk>/roles/", roles, name="account-roles"),
    path("<int:pk>/groups/", verb_views.groups, name="account-groups"),
    path("<int:pk>/groups/end/", verb_views.groups_end, name="account-groups-end"),
    path("<int:pk>/invitation/", invitation, name="account-invitation"),
    path("<int:pk>/suspension/", verb_views.suspension, name="account-suspension"),
    path("<int:pk>/suspension/end/", verb_views.suspension_end, name="account-suspension-end"),
    path("<int:pk>/end-date/", verb_views.end_date, name="account-end-date"),
    path("<int:pk>/end-date/end/", verb_views.end_date_end, name="account-end-date-end"),
    path("<int:pk>/deletion/", verb_views.deletion, name="account-deletion"),
    path("<int:pk>/deletion/end/", verb_views.deletion_end, name="account-deletion-end"),
    path("<int:pk>/password-reset/", verb_views.password_reset, name="account-password-reset"),
    path("<int:pk>/password-change/", verb_views.password_change, name="account-password-change"),
    path("<int:pk>/verification/", verb_views.verification, name="account-verification"),
    path(
        "<int:pk>/verification/mail/",
        verb_views.verification_mail,
        name="account-verification-mail",
    ),
    path("<int:pk>/letter/", verb_views.letter, name="account-letter"),
    path("<int:pk>/letter/sample/", letter_sample, name="account-letter-sample"),
    path(
        "<int:pk>/second-factor/reset/",
        verb_views.second_factor_reset,
        name="account-second-factor-reset",
    ),
    path("<int:pk>/reveal/", reveal, name="account-reveal"),
    path("<int:pk>/erasure/", verb_views.erasure, name="account-erasure"),
]
