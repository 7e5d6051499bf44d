from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from core.views import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("emissions/", include("suppliers.urls")),
    path("", include("ordering.urls")),
]
