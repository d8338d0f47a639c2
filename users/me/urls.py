from django.urls import path

from users.me import views
from users.staff.views import PasswordChangeView

urlpatterns = [
    path("", views.profile, name="me"),
    path("password/", PasswordChangeView.as_view(), name="account_change_password"),
]
