from django.urls import path

from users.staff import views
from users.staff.requests import views as request_views
from users.staff.roles import views as role_views

urlpatterns = [
    path("", views.index, name="staff"),
    path("roles/", role_views.index, name="staff-roles"),
    path("roles/new/", role_views.new, name="staff-role-new"),
    path("roles/<int:pk>/", role_views.show, name="staff-role"),
    path("roles/<int:pk>/edit/", role_views.edit, name="staff-role-edit"),
    path("roles/<int:pk>/delete/", role_views.delete, name="staff-role-delete"),
    path("requests/", request_views.index, name="staff-requests"),
    path("requests/new/", request_views.new, name="staff-request-new"),
    path("requests/<int:pk>/", request_views.show, name="staff-request"),
    path("requests/<int:pk>/approval/", request_views.approve, name="staff-request-approval"),
    path("requests/<int:pk>/decline/", request_views.decline, name="staff-request-decline"),
    path("requests/<int:pk>/end/", request_views.cancel, name="staff-request-end"),
]
