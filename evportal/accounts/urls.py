from django.urls import path
from django.views.generic import RedirectView

app_name = "accounts"

urlpatterns = [
    path("login/", RedirectView.as_view(pattern_name="account_login", query_string=True), name="login"),
]
