import asyncio
import os

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from evportal.demo.seed import FLEET
from stations.simulator import BadConfig, FleetConfig
from stations.simulator.cli import run


class Command(BaseCommand):
    help = "Simulated chargers that connect to this portal (or to --url) until Ctrl-C."

    def add_arguments(self, parser):
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--demo", action="store_true", help="the demo's dozen chargers")
        which.add_argument("--stations", metavar="FILE", help="a JSON file; docs/simulator.md has its shape")
        parser.add_argument("--url", help="default: this portal's /ocpp")
        parser.add_argument("--speed", type=float, default=1.0, help="how fast time passes")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--control-port", type=int, help="a page to plug cars in and out")

    def handle(self, *, demo, stations, url, speed, seed, control_port, **options):
        path = settings.DATA / FLEET if demo else stations
        try:
            config = FleetConfig.load(path, url=url or self.own_url(), speed=speed, seed=seed)
        except BadConfig as problem:
            hint = " Run “manage.py demo” first." if demo else ""
            raise CommandError(f"{problem}{hint}") from problem
        port = control_port or os.environ.get("SIMULATOR_CONTROL_PORT")
        asyncio.run(run(config, control_port=int(port) if port else None))

    def own_url(self) -> str:
        return f"{settings.PUBLIC_URL.replace('http', 'ws', 1)}/ocpp"
