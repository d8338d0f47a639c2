from django.urls import path

from users.account import note_views, tab_views, views

urlpatterns = [
    path("new/", views.new, name="account-new"),
    path("<int:pk>/", views.show, name="account"),
    path("<int:pk>/access/", tab_views.access, name="account-access"),
    path("<int:pk>/mail/", tab_views.mail, name="account-mail"),
    path("<int:pk>/notes/", note_views.index, name="account-notes"),
    path("<int:pk>/notes/<int:number>/edit/", note_views.edit, name="account-note-edit"),
    path("<int:pk>/notes/<int:number>/pin/", note_views.pin, name="account-note-pin"),
    path("<int:pk>/notes/<int:number>/pin/end/", note_views.pin_end, name="account-note-pin-end"),
    path("<int:pk>/edit/", views.edit, name="account-edit"),
    path("<int:pk>/roles/", views.roles, name="account-roles"),
    path("<int:pk>/invitation/", views.invitation, name="account-invitation"),
    path("<int:pk>/suspension/", views.suspension, name="account-suspension"),
    path("<int:pk>/suspension/end/", views.suspension_end, name="account-suspension-end"),
]
