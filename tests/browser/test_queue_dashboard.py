import pytest

pytestmark = pytest.mark.mariadb  # a page looks the same on every database; once is enough
DASHBOARD = "/admin/django_rq/dashboard/"


def test_the_dashboard_keeps_the_policy_against_foreign_content(site):
    """Its lists carry an old script, which stays blocked; nothing else is, and a job is found without it."""
    page = site.open_as("manager")
    page.get_by_role("button", name="Generate").click()
    page.get_by_text("lines planned on").wait_for(timeout=30_000)

    page = site.open_as("admin")
    for path in ("", "queues/0/details/", "queues/0/empty/"):
        assert page.goto(DASHBOARD + path).status == 200
    assert not [complaint for complaint in site.complaints if "Content Security Policy" in complaint]

    page.goto(f"{DASHBOARD}queues/0/finished/")
    blocked = [complaint for complaint in site.complaints if "Content Security Policy" in complaint]
    assert len(blocked) == 1
    assert blocked[0].startswith("Executing inline script violates")
    page.locator("#result_list tbody th a").first.click()
    assert page.get_by_text("ordering.jobs.generate_recommendations_job").is_visible()
