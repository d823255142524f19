"""The pages a cardholder sees: Checkout and their bank's 3-D Secure question."""

from html import escape
from urllib.parse import parse_qsl, urlencode

from . import cards, checkout, confirmation, setup_intents
from .errors import StripeError
from .pages import Page, layout, message, money, redirect

#: What a phone's wallet (Apple Pay, Google Pay) gives to the page: everything, at one tap.
WALLET = {
    "email": "wallet@example.com",
    "name": "",
    "number": "4242424242424242",
    "expiry": "12 / 40",
    "cvc": "123",
}
TEST_CARDS = [card for card in cards.CARDS if card.note]
FAULTY_FIELD = {
    "incorrect_number": "number",
    "invalid_expiry_month": "expiry",
    "invalid_expiry_year": "expiry",
    "incorrect_cvc": "cvc",
    "expired_card": "expiry",
}


def checkout_page(world, id, form: str | None) -> Page:
    """Show the page, or take the card that was typed into it."""
    session = world.objects.get("checkout.session", {}).get(id)
    if session is None:
        return message("Page not found", "There is no such checkout session.", status=404)
    world.touch(session)
    if session["status"] == "complete":
        return redirect(_success_url(session)) if form else _closed(session, "This page was used already.")
    if session["status"] == "expired":
        return _closed(session, "This page has expired. Go back and start again.")
    if form is None:
        error, session["_error"] = session["_error"], None
        return _form(world, session, session.get("_typed") or {}, error)
    typed = {name: value.strip() for name, value in parse_qsl(form, keep_blank_values=True)}
    if "wallet" in typed:
        typed = dict(WALLET)
    # Kept for the way back from a refused 3-D Secure question; a card number never is.
    session["_typed"] = {"email": typed.get("email", ""), "name": typed.get("name", "")}
    problem = _missing(session, typed)
    if problem:
        return _form(world, session, typed, problem)
    month, _, year = typed["expiry"].replace(" ", "").partition("/")
    card = {
        "type": "card",
        "card": {"number": typed["number"], "exp_month": month, "exp_year": year, "cvc": typed["cvc"]},
        "billing_details": {
            "email": typed.get("email") or _email(world, session),
            "name": typed["name"] or None,
        },
    }
    try:
        checkout.submit(world, session, card)
    except StripeError as error:
        if error.status != 402:
            world.rollback()
        field = FAULTY_FIELD.get(error.error.get("code"), "number")
        return _form(world, session, typed, (field, error.error["message"]))
    intent = _intent(world, session)
    if intent and intent["status"] == "requires_action":
        return redirect(_secure_url(world, intent))
    return redirect(_success_url(session))


def secure_page(world, id, form: str | None) -> Page:
    """The bank asks whether it is really the cardholder."""
    intent = world.find(id)
    if intent is None or intent.get("status") != "requires_action":
        return message("Nothing to confirm", "This payment does not wait for your confirmation.", status=404)
    world.touch(intent)
    if form is None:
        return _question(world, intent)
    succeeds = dict(parse_qsl(form)).get("answer") == "complete"
    authenticate = (
        confirmation.authenticate
        if intent["object"] == "payment_intent"
        else setup_intents.authenticate_setup
    )
    try:
        authenticate(world, intent, succeeds=succeeds)
    except StripeError as error:
        problem = error.error["message"]
    else:
        problem = None
        checkout.complete_if_done(world, intent)
    session = world.objects.get("checkout.session", {}).get(intent.get("_session"))
    if session:
        if problem is None:
            return redirect(_success_url(session))
        world.touch(session)["_error"] = ("number", problem)
        return redirect(session["url"])
    back = intent.get("_return_url")
    if not back:
        return message("Thank you", "You can return to the app.")
    kind = intent["object"]
    query = {
        kind: intent["id"],
        f"{kind}_client_secret": intent["client_secret"],
        "redirect_status": "failed" if problem else "succeeded",
    }
    return redirect(f"{back}{'&' if '?' in back else '?'}{urlencode(query)}")


def _missing(session, typed):
    for name in ("email", "name", "number", "expiry", "cvc"):
        typed.setdefault(name, "")
    if "@" not in typed["email"] and not session["customer"]:
        return "email", "Enter your email address."
    if not typed["number"]:
        return "number", "Enter your card number."
    month, slash, year = typed["expiry"].replace(" ", "").partition("/")
    if not (slash and month.isdigit() and year.isdigit() and len(year) in (2, 4)):
        return "expiry", "Enter the expiry date as MM / YY."
    if not (typed["cvc"].isdigit() and len(typed["cvc"]) in (3, 4)):
        return "cvc", "Enter the 3 or 4 digits of your card's security code."
    return None


def _form(world, session, typed, problem) -> Page:
    saving = session["mode"] == "setup"
    currency, total = session["currency"], session["amount_total"]
    heading = "Save a card" if saving else f"Pay {escape(world.merchant)}"
    what = [f'<p class="amount">{money(total, currency)}</p>'] if not saving else []
    for item in session["_line_items"]["data"]:
        count = f"{item['quantity']} × " if item["quantity"] != 1 else ""
        what.append(f'<p class="soft">{count}{escape(item["description"])}</p>')
    if saving:
        what.append("<p>Your card is checked and kept for later charges. Nothing is taken today.</p>")
    elif session["_intent_data"].get("capture_method") == "manual":
        what.append('<p class="soft">The amount is held on your card; only what you use is taken.</p>')
    submit = "Save card" if saving else "Subscribe" if session["mode"] == "subscription" else "Pay"
    if session["mode"] == "payment":
        submit = f"Pay {money(total, currency)}"
    field, error = problem or (None, None)
    alert = f'<p class="error" role="alert" id="problem">{escape(error)}</p>' if error else ""
    hints = "".join(
        f"<dt>{escape(card.note)}</dt><dd><code>{_spaced(card.number)}</code></dd>" for card in TEST_CARDS
    )
    email = typed.get("email", session["customer_email"] or _email(world, session) or "")

    def box(name, label, value, extra, hint=""):
        wrong = ' aria-invalid="true" aria-describedby="problem" autofocus' if name == field else ""
        hint = f' <span class="hint">{hint}</span>' if hint else ""
        return (
            f'<label for="{name}">{label}{hint}</label><input id="{name}" name="{name}" '
            f'value="{escape(value)}" {extra}{wrong}>'
        )

    fields = (
        box("email", "Email", email, 'type="email" autocomplete="email" required')
        + box("name", "Name on card", typed.get("name", ""), 'autocomplete="cc-name"', "(optional)")
        + box(
            "number", "Card number", typed.get("number", ""),
            'inputmode="numeric" autocomplete="cc-number" placeholder="4242 4242 4242 4242" required',
        )
        + '<div class="pair"><div>'
        + box(
            "expiry", "Expiry", typed.get("expiry", ""),
            'inputmode="text" autocomplete="cc-exp" placeholder="MM / YY" required',
        )
        + "</div><div>"
        + box(
            "cvc", "CVC", typed.get("cvc", ""),
            'inputmode="numeric" autocomplete="cc-csc" placeholder="123" maxlength="4" required',
        )
        + "</div></div>"
    )  # fmt: skip
    cancel = session["cancel_url"]
    back = f'<a class="back" href="{escape(cancel)}">Cancel and go back</a>' if cancel else ""
    content = (
        f'<p class="soft">{escape(world.merchant)}</p><h1>{heading}</h1>{"".join(what)}'
        '<p class="note">This is a simulator: no money moves. Use <code>4242 4242 4242 4242</code>, any '
        "future expiry and any CVC. Never enter a real card.</p>"
        f"{_wallet(submit) if session['mode'] == 'payment' else ''}"
        f'<form class="card stack" method="post">{alert}{fields}<button>{submit}</button></form>{back}'
        f'<details class="card"><summary>Other test cards</summary><dl>{hints}</dl></details>'
    )
    return layout(f"{'Save a card' if saving else 'Pay'} – {world.merchant}", content)


def _wallet(submit: str) -> str:
    return (
        f'<form class="stack" method="post"><button name="wallet" value="1">{submit} with the phone\'s wallet'
        '</button></form><p class="soft">Or by card:</p>'
    )


def _question(world, intent) -> Page:
    method = world.get("payment_method", intent["payment_method"])
    about = "save this card"
    if intent["object"] == "payment_intent":
        about = f"pay {money(intent['amount'], intent['currency'])} to {escape(world.merchant)}"
    return layout(
        "Confirm it is you",
        f"<h1>Confirm it is you</h1><p>Your bank asks: do you want to {about} with the card ending in "
        f"{method['card']['last4']}?</p>"
        '<p class="note">This is a simulator of your bank\'s 3-D Secure page.</p>'
        '<form class="stack" method="post"><button name="answer" value="complete">Complete authentication'
        '</button><button class="second" name="answer" value="fail">Fail authentication</button></form>',
    )


def _closed(session, text) -> Page:
    return message("This page is closed", text, status=410, back=session["cancel_url"])


def _success_url(session):
    return session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])


def _secure_url(world, intent):
    return f"{world.public_url}/3ds/{intent['id']}"


def _intent(world, session):
    return world.find(session["payment_intent"] or "") or world.find(session["setup_intent"] or "")


def _email(world, session):
    customer = world.objects.get("customer", {}).get(session["customer"])
    return customer["email"] if customer else session["customer_email"]


def _spaced(number):
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))
