from django.urls import path

from users.staff.links import views

urlpatterns = [
    path("<int:pk>/", views.link_person, name="staff-link"),
    path("<int:pk>/end/", views.unlink_person, name="staff-link-end"),
]
