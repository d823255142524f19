"""`python -m billing.simulator`: the stand-in beside a local portal."""

import argparse
import os

import uvicorn

from .app import App


def main() -> None:
    """Serve on loopback until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m billing.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8010, help="loopback port (8010)")
    parser.add_argument("--data", help="folder that keeps customers and charges; none: memory only")
    parser.add_argument("--webhook-url", default="", help="where events go; none: they are held")
    parser.add_argument(
        "--webhook-secret",
        # In the environment it does not show in the list of processes.
        default=os.environ.get("STRIPE_WEBHOOK_SECRET", "whsec_simulator"),
        help="signs the webhooks; default: STRIPE_WEBHOOK_SECRET",
    )
    parser.add_argument("--public-url", help="how browsers reach the pages, where not by loopback")
    parser.add_argument(
        "--behind",
        type=int,
        default=0,
        metavar="DAYS",
        help="a new account's clock begins so long ago, and stays behind until it is moved on (0)",
    )
    options = parser.parse_args()
    app = App(
        data=options.data,
        webhook_url=options.webhook_url,
        webhook_secret=options.webhook_secret,
        public_url=options.public_url or f"http://127.0.0.1:{options.port}",
    )
    app.world.begin(days_ago=options.behind)
    # Loopback only: whoever reaches this port owns the simulated account.
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="info", access_log=False, ws="none")


if __name__ == "__main__":
    main()
