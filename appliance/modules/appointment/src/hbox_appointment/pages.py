"""The patient's pages: free slots, the form, and the state of one booking."""

import secrets
import time
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue

from hbox_appointment import forms, show
from hbox_appointment.limits import Limit
from hbox_appointment.outbox import Outbox
from hbox_appointment.slots import Slots
from hbox_appointment.store import Store, Unknown

_COOKIE = "visit"


def make(store: Store, slots: Slots, outbox: Outbox, bookings: Limit) -> Blueprint:
    """Return the patient's part of the application."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def index() -> ResponseReturnValue:
        offer = slots.offer()
        page = render_template("index.html", days=show.days(offer.slots), reached=offer.reached)
        return page, 200 if offer.reached else 503

    @pages.get("/book/<slot_id>")
    def form(slot_id: str) -> ResponseReturnValue:
        slot = slots.find(slot_id)
        if slot is None:
            return render_template("gone.html"), 404
        return _form(store, slot, forms.Wish("", ""), ())

    @pages.post("/book/<slot_id>")
    def book(slot_id: str) -> ResponseReturnValue:
        if not bookings.allows(request.remote_addr or ""):
            return render_template("busy.html"), 429
        visit, nonce = request.cookies.get(_COOKIE, ""), request.form.get("nonce", "")
        if not forms.genuine(store.secret, visit, nonce, request.form.get("csrf", "")):
            return render_template("stale.html"), 403
        token = forms.booking_token(store.secret, visit, nonce)
        wish, problems = forms.read(request.form)
        slot = slots.find(slot_id)
        if slot is None and not _booked(store, token):
            return render_template("gone.html"), 409
        if problems and slot is not None:
            return _form(store, slot, wish, problems)
        if slot is not None:
            store.book(token, slot, wish.name, wish.phone, time.time())
            outbox.wake()
        return redirect(f"/b/{token}", 303)

    @pages.get("/b/<token>")
    def state(token: str) -> str:
        return render_template("booking.html", **_state(store, token))

    @pages.get("/b/<token>/state")
    def state_json(token: str) -> Response:
        found = _state(store, token)
        return jsonify(
            status=found["booking"].status,
            html=render_template("state.html", **found),
        )

    return pages


def _booked(store: Store, token: str) -> bool:
    try:
        store.by_token(token)
    except Unknown:
        return False
    return True


def _state(store: Store, token: str) -> dict[str, Any]:
    try:
        booking = store.by_token(token)
    except Unknown:
        abort(404)
    return {"booking": booking, "when": show.when(booking.start), "token": token}


def _form(
    store: Store, slot: Any, wish: forms.Wish, problems: tuple[forms.Problem, ...]
) -> Response:
    visit = request.cookies.get(_COOKIE, "")
    fresh = len(visit) != 32
    if fresh:
        visit = secrets.token_urlsafe(24)
    nonce = secrets.token_urlsafe(24)
    response = make_response(
        render_template(
            "form.html",
            slot=slot,
            when=show.when(slot.start),
            wish=wish,
            problems={p.field: p for p in problems},
            nonce=nonce,
            csrf=forms.csrf(store.secret, visit, nonce),
        ),
        422 if problems else 200,
    )
    if fresh:
        # Not marked secure: this zone is plain HTTP until the edge ends TLS in front of it.
        response.set_cookie(_COOKIE, visit, httponly=True, samesite="Lax", max_age=86400)
    return response
