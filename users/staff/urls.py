from django.urls import path

from users.staff import views
from users.staff.roles import views as role_views

urlpatterns = [
    path("", views.index, name="staff"),
    path("roles/", role_views.index, name="staff-roles"),
    path("roles/new/", role_views.new, name="staff-role-new"),
    path("roles/<int:pk>/", role_views.show, name="staff-role"),
    path("roles/<int:pk>/edit/", role_views.edit, name="staff-role-edit"),
    path("roles/<int:pk>/delete/", role_views.delete, name="staff-role-delete"),
]
