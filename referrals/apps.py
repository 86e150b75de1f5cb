from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "referrals"
    verbose_name = "Referrals"

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from referrals import models, scanning

        auditlog.register(models.Referral, include_fields=models.HEADER)
        scanning.configured()  # a setting that can't be understood stops the start, not the first upload
        scanning.serves_unscanned()
