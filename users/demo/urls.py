"""The URLs of the demo. They stand before those of users/signin/ and replace its sign-in page."""

from django.urls import path

from users.demo.views import confirm_in_demo, demo_staff, sign_in_by_role
from users.signin.views import LoginView

# The template calls it with each request.
demo_login = LoginView.as_view(
    template_name="users/demo/login.html", extra_context={"demo_staff": demo_staff}
)

urlpatterns = [
    path("login/", demo_login, name="account_login"),
    path("login/demo/", sign_in_by_role, name="demo-sign-in"),
    path("login/demo/sudo/", confirm_in_demo, name="demo-sudo"),
]
