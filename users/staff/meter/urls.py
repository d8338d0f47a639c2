from django.urls import path

from users.staff.meter import views

urlpatterns = [
    path("", views.index, name="staff-meter"),
    path("<int:pk>/", views.person_hours, name="staff-meter-person"),
]
