"""Addresses of this room, below /api/v1."""

from django.urls import path

from consent import following_views, views

urlpatterns = [
    path("consents", views.Consents.as_view()),
    path("consents/<uuid:consent_id>", views.OneConsent.as_view()),
    path("consents/<uuid:consent_id>/receipt", views.ReceiptOfConsent.as_view()),
    path("consents/<uuid:consent_id>/give", following_views.Give.as_view()),
    path("consents/<uuid:consent_id>/refuse", following_views.Refuse.as_view()),
    path("consents/<uuid:consent_id>/withdraw", following_views.Withdraw.as_view()),
    path("consents/<uuid:consent_id>/renew", following_views.Renew.as_view()),
    path("consents/<uuid:consent_id>/invalidate", following_views.Invalidate.as_view()),
    path("consent-notices", views.Notices.as_view()),
]
