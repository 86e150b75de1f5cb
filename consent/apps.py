from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "consent"
    verbose_name = "Consent and legal basis"

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from consent import models

        auditlog.register(models.LegalBasis)
        auditlog.register(models.Notice)
        auditlog.register(models.Consent, exclude_fields=["subject"])
