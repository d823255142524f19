"""The clock of the house: what it asks for, some worker knows."""

import pytest

from evportal.celery import app


@pytest.mark.parametrize("name", sorted(app.conf.beat_schedule))
def test_every_scheduled_task_is_known_to_the_workers(name):
    app.loader.import_default_modules()
    assert app.conf.beat_schedule[name]["task"] in app.tasks


@pytest.mark.parametrize(
    "name", ["stations.refused.stop_refused", "stations.local_lists.sending.look_at_tokens"]
)
def test_tasks_that_live_elsewhere_are_known_to_the_workers(name):
    app.loader.import_default_modules()
    assert name in app.tasks
