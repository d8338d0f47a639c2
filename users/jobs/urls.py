from django.urls import path

from users.jobs import views

urlpatterns = [
    path("", views.index, name="jobs"),
    path("running/", views.badge, name="jobs-running"),
    path("<int:pk>/", views.show, name="job"),
    path("<int:pk>/left-out.csv", views.report, name="job-report"),
    path("<int:pk>/pause/", views.pause, name="job-pause"),
    path("<int:pk>/pause/end/", views.pause_end, name="job-pause-end"),
    path("<int:pk>/cancellation/", views.cancellation, name="job-cancellation"),
    path("<int:pk>/retry/", views.retry, name="job-retry"),
]
