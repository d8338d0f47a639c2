from django.urls import path

from users.account import doctor_views, history_views, note_views, session_views, tab_views, views
from users.verbs import views as verb_views
from users.verbs.invitation.page import invitation_page, new
from users.verbs.letter.page import letter_sample
from users.verbs.profile import field_page
from users.verbs.profile.page import edit
from users.verbs.reveal.page import reveal_page
from users.verbs.roles.page import roles_page

urlpatterns = [
    path("new/", new, name="account-new"),
    path("doctor/", doctor_views.doctor_search, name="doctor"),
    path("<int:pk>/", views.show, name="account"),
    path("<int:pk>/sign-ins/", session_views.sign_ins_tab, name="account-signins"),
    path("<int:pk>/sessions/end/", session_views.end_sessions_page, name="account-sessions-end"),
    path(
        "<int:pk>/sessions/<uuid:public_id>/end/",
        session_views.end_session_page,
        name="account-session-end",
    ),
    path("<int:pk>/lockout/end/", session_views.end_lockout_page, name="account-lockout-end"),
    path("<int:pk>/doctor/", doctor_views.doctor_tab, name="account-doctor"),
    path("<int:pk>/access/", tab_views.access_tab, name="account-access"),
    path("<int:pk>/mail/", tab_views.mail_tab, name="account-mail"),
    path("<int:pk>/history/", history_views.show, name="account-history"),
    path(
        "<int:pk>/history/<slug:name>/", history_views.restore_from_history, name="account-put-back"
    ),
    path("<int:pk>/activity/", tab_views.activity_tab, name="account-activity"),
    path("<int:pk>/notes/", note_views.index, name="account-notes"),
    path("<int:pk>/notes/<int:number>/edit/", note_views.edit, name="account-note-edit"),
    path("<int:pk>/notes/<int:number>/pin/", note_views.note_pin, name="account-note-pin"),
    path(
        "<int:pk>/notes/<int:number>/pin/end/", note_views.note_pin_end, name="account-note-pin-end"
    ),
    path("<int:pk>/edit/", edit, name="account-edit"),
    path("<int:pk>/edit/<slug:name>/", field_page.edit, name="account-edit-field"),
    path("<int:pk>/roles/", roles_page, name="account-roles"),
    path("<int:pk>/groups/", verb_views.groups, name="account-groups"),
    path("<int:pk>/groups/end/", verb_views.groups_end, name="account-groups-end"),
    path("<int:pk>/invitation/", invitation_page, name="account-invitation"),
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
    path("<int:pk>/reveal/", reveal_page, name="account-reveal"),
    path("<int:pk>/erasure/", verb_views.erasure, name="account-erasure"),
]
