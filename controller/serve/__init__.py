"""The web process: console and API over TLS, and the API over the box's own socket. No privileges."""

from flask import Flask, Response, request

from appliance.settings import Settings
from controller.api import dispatch
from controller.records.session import open_records
from controller.web import blueprint

HEADERS = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def create_app(settings: Settings) -> Flask:
    """Return the whole web application on the records that `settings` names."""
    app = Flask("hbox", static_folder=None)
    vars(app.json)["ensure_ascii"] = False  # Chinese stays readable in a terminal
    engine = open_records(settings.database)
    app.register_blueprint(dispatch.make(engine, settings))
    app.register_blueprint(blueprint.make(engine, settings))
    dispatch.catch_all(app)
    app.after_request(lambda response: _finished(response, settings.body_limit))
    app.extensions["hbox.engine"] = engine
    return app


def _finished(response: Response, limit: int) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    unread = (request.content_length or 0) > limit or "Transfer-Encoding" in request.headers
    if response.status_code >= 400 and unread:
        # Else the server would read the rest of a large body into memory, to keep the connection.
        response.headers["Connection"] = "close"
    return response
