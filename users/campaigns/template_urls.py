from django.urls import path

from users.campaigns import email_preview, template_views

urlpatterns = [
    path("", template_views.template_list, name="templates"),
    path("new/", template_views.template_new, name="template-new"),
    path("preview/", email_preview.template_preview, name="template-preview"),
    path("<int:pk>/", template_views.template_page, name="template"),
    path("<int:pk>/test/", template_views.template_test, name="template-test"),
    path("<int:pk>/archive/", template_views.template_archive, name="template-archive"),
    path("<int:pk>/archive/end/", template_views.template_archive_end, name="template-archive-end"),
]
