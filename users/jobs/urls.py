from django.urls import path

from users.jobs import views

urlpatterns = [
    path("", views.index, name="jobs"),
    path("running/", views.running_badge, name="jobs-running"),
    path("<int:pk>/", views.show, name="job"),
    path("<int:pk>/not-changed.csv", views.job_report, name="job-report"),
    path("<int:pk>/changed.csv", views.changed_report, name="job-changed"),
    path("<int:pk>/pause/", views.job_pause, name="job-pause"),
    path("<int:pk>/pause/end/", views.job_pause_end, name="job-pause-end"),
    path("<int:pk>/cancellation/", views.job_cancellation, name="job-cancellation"),
    path("<int:pk>/retry/", views.job_retry, name="job-retry"),
]
