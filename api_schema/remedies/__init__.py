"""
Why each problem arises, and what to do about it: the words of its docs page (`problem_page`).

A problem says at once what is wrong and what would be right; here stands what a developer wants to know who meets it
for the first time. A problem without words here fails a test.
"""

from api_schema.remedies.of_requests import OF_REQUESTS
from api_schema.remedies.of_things import OF_THINGS
from api_schema.remedies.remedy import Remedy

__all__ = ["REMEDIES", "Remedy"]

REMEDIES: dict[str, Remedy] = OF_REQUESTS | OF_THINGS
