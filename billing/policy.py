"""What the house decides about money where no standard does, each with its reason."""

from datetime import timedelta
from decimal import Decimal

#: Cars charge below a charger's rating most of the time: they taper, are cold, or take less than it gives.
USUAL_SHARE_OF_POWER = Decimal("0.8")
#: What a car takes on board in one stop unless we know better, in kWh (a larger battery from 20 to 80 %).
USUAL_ENERGY_KWH = Decimal(40)
#: The same as a share of a battery whose size the driver has told us.
USUAL_SHARE_OF_BATTERY = Decimal("0.7")

#: A hold is the estimate and a fifth, so that an ordinary charge is never cut short for want of money…
HOLD_MARGIN = Decimal("1.2")
#: …rounded up to a number that a driver recognises on a bank statement; by digits of the currency.
HOLD_STEP = {0: Decimal(500), 2: Decimal(5), 3: Decimal(2), 4: Decimal(5)}
#: A wallet is topped up by at least one such step, and at most by so many at once.
TOP_UP_MOST_STEPS = 100
#: What the hold page promises. Banks keep a hold for seven days at most.
HOLD_RELEASED_WITHIN_DAYS = 7

#: The driver has this long from the button until the car is plugged in and the charger reports a start.
START_WITHIN = timedelta(minutes=3)
#: A bank's 3-D Secure page may stay open for so long before we give the slot and the start up.
CONFIRM_WITHIN = timedelta(minutes=15)
#: A guest's page at the provider is open for as long as the provider wants at least, and a little for the way
#: there; we close it ourselves after CONFIRM_WITHIN.
GUEST_PAGE_OPEN = timedelta(minutes=31)
#: A card at the charger by a driver whose payment can't be secured is stopped again: we never let somebody
#: run up a bill that nobody will pay. False lets it run, and the bill waits for a person.
STOP_UNSECURED = True
#: Before the money runs out by this time, the hold is raised where the site wants that…
RAISE_AHEAD = timedelta(minutes=3)
#: …to at most so many times what was held at the start, unless the site says how much.
HOLD_MOST_TIMES = 4
#: Stripe refuses more attempts than this for one hold, and counts those that the bank declined.
MOST_RAISES = 10
#: From the decision to stop until no more energy flows: the sweeper's round, the charger, the contactor.
STOP_LAG = timedelta(seconds=30)
#: A stop that has not worked is asked for again after so long, and so often at most.
STOP_AGAIN, STOP_MOST_TRIES = timedelta(minutes=1), 10
#: A hold is placed anew so long before the bank lets go of it; refused, the charge ends in time to be paid.
REAUTHORISE_BEFORE, EXPIRY_MARGIN = timedelta(hours=12), timedelta(minutes=15)
#: A bank that has just refused to hold anew is asked again after so long.
REAUTHORISE_AGAIN = timedelta(hours=2)

#: A step of money that has not moved for so long was left by a crash, and the sweeper finishes it.
STALE_AFTER = timedelta(seconds=30)
#: A page on which a driver may pay for a day is asked about so often.
ASK_OPEN_PAGES_EVERY = timedelta(minutes=5)
#: The provider tries unpaid renewals again by itself: they are asked about so often.
ASK_PLANS_EVERY = timedelta(hours=1)
#: The price of a switch that a driver was shown is good for so long.
PREVIEW_HOLDS = timedelta(minutes=30)
#: How far back the sweeper looks for sessions that nobody has billed.
LOOK_BACK = timedelta(days=3)
