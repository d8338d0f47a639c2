from django.urls import path

from users.account import doctor_views, field_views, history_views, note_views, tab_views, views

urlpatterns = [
    path("doctor/", doctor_views.doctor_search, name="doctor"),
    path("<int:pk>/", views.show, name="account"),
    path("<int:pk>/edit/<slug:name>/", field_views.edit_field, name="account-edit-field"),
    path("<int:pk>/sign-ins/", tab_views.sign_ins_tab, name="account-signins"),
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
]
