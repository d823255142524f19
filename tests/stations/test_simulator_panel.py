"""The control panel by HTTP, as a phone and as a script use it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from stations.simulator import BadConfig, Fleet, FleetConfig
from stations.simulator.panel import Panel
from tests.stations.csms import FakeCsms

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def browser():
    async with FakeCsms() as csms:
        config = FleetConfig.parse([{"identity": "CP/1 <b>", "password": "x"}], url=csms.url, speed=600)
        async with Fleet(config) as fleet:
            await fleet.ready()
            panel = Panel(fleet, port=0)
            await panel.start()
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{panel.port}", trust_env=False
            ) as client:
                yield client
            await panel.stop()


STATION = "/stations/CP%2F1%20%3Cb%3E"


async def test_a_script_charges_a_car(browser):
    plugged = await browser.post(f"{STATION}/evses/1/plug", json={"battery_kwh": 40, "soc": 50})
    assert (
        plugged.json()["station"]["evses"][0] | {"status": "Preparing", "soc": 50}
        == plugged.json()["station"]["evses"][0]
    )
    again = await browser.post(f"{STATION}/evses/1/plug", json={})
    assert (again.status_code, again.json()["error"]) == (409, "A car is already plugged in here.")
    swiped = await browser.post(f"{STATION}/evses/1/swipe", json={"token": "CARD"})
    assert swiped.json()["outcome"] == "started"
    assert (await browser.get(STATION)).json()["evses"][0]["power_w"] == 11_000
    for action, status in [("fault", "Faulted"), ("clear", "Finishing"), ("unplug", "Available")]:
        answer = await browser.post(f"{STATION}/evses/1/{action}")
        assert answer.json()["station"]["evses"][0]["status"] == status
    assert (await browser.post(f"{STATION}/offline")).json()["outcome"] == "offline"
    assert (await browser.post(f"{STATION}/online")).json()["outcome"] == "coming back"
    assert [s["identity"] for s in (await browser.get("/stations")).json()["stations"]] == ["CP/1 <b>"]


async def test_the_page_works_with_forms_alone(browser):
    page = (await browser.get("/")).text
    assert "CP/1 &lt;b&gt;" in page and "<b>" not in page and "<script" not in page
    assert f'action="{STATION}/evses/1/plug"' in page
    pressed = await browser.post(f"{STATION}/evses/1/plug", data={"battery_kwh": "60", "soc": "40"})
    assert pressed.status_code == 303
    page = (await browser.get(pressed.headers["location"])).text
    assert "Unplug" in page and "plugged in" in page


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "rebound.example:8020"}, 403),
        ({"Origin": "http://localhost:8020", "Host": "localhost:8020"}, 200),
    ],
)
async def test_other_sites_cannot_press_buttons(browser, headers, status):
    assert (await browser.post(f"{STATION}/evses/1/plug", headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/stations/nobody/evses/1/plug", "{}", 404),
        (f"{STATION}/evses/7/plug", "{}", 404),
        (f"{STATION}/evses/1/dance", "{}", 404),
        (f"{STATION}/evses/1/plug", "[]", 400),
        (f"{STATION}/evses/1/plug", "{", 400),
        (f"{STATION}/evses/1/plug", '{"soc": 400}', 409),
        (f"{STATION}/evses/1/plug", '{"soc": "x"}', 409),
        (f"{STATION}/evses/1/swipe", "{}", 409),
        (f"{STATION}/evses/1/fault", '{"code": "Gremlins"}', 409),
        (f"{STATION}/evses/1/plug", "x" * 70_000, 413),
    ],
)
async def test_mistakes_are_named(browser, path, body, status):
    assert (await browser.post(path, content=body)).status_code == status


@pytest.mark.parametrize(
    ("wire", "sentence"),
    [
        ({}, "Expected a list"),
        ([{"identity": ""}], "needs an identity"),
        ([{"identity": "A", "version": "1.5"}], "version is one of"),
        ([{"identity": "A"}, {"identity": "A"}], "same identity"),
        ([{"identity": "A", "evses": [{"number": 1}, {"number": 1}]}], "differ"),
        ([{"identity": "A", "colour": "red"}], "colour"),
        ([{"identity": "A", "visitors": {"tokens": []}}], "arrivals_per_hour"),
    ],
)
def test_a_bad_configuration_is_explained(wire, sentence):
    with pytest.raises(BadConfig, match=sentence):
        FleetConfig.parse(wire)


async def test_the_command_ends_quickly_when_told(tmp_path):
    file = tmp_path / "fleet.json"
    file.write_text(json.dumps([{"identity": "A"}]))
    # Nobody listens on that port: ending must not wait for the portal either.
    command = [sys.executable, "-m", "stations.simulator", "--stations", str(file)]
    command += ["--url", "ws://127.0.0.1:9/ocpp", "--control-port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    lines = [process.stderr.readline()]
    while "cannot connect" not in lines[-1]:
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=3) == 0
    assert "A: " in lines[-1]
    process.stderr.close()
