"""What a legal basis carries: not every ground of the list carries a referral."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0005_records")]

    operations = [
        migrations.AddField(
            model_name="legalbasis",
            name="carries",
            field=models.CharField(
                default="referral",
                help_text="What goes on it; `anonymous` is a referral of nobody known.",
                max_length=16,
            ),
        ),
    ]
