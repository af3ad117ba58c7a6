"""Passwords of a box that did not date them: their days begin with the upgrade."""

from sqlalchemy import text

from appliance import clock
from controller.records.migrate import downgrade, upgrade
from controller.records.session import open_records


def test_passwords_that_nobody_dated_begin_to_age_now(url):
    upgrade(url, "0005")
    engine = open_records(url)
    row = (
        "INSERT INTO accounts (id, name, role, password_hash, failed, disabled, created_at) "
        "VALUES (:id, :id, 'system', :held, 0, false, 'then')"
    )
    with engine.begin() as connection:
        for name, held in (("used", "$argon2id$x"), ("fresh", None)):
            connection.execute(text(row), {"id": name, "held": held})
    before = clock.iso()
    upgrade(url)
    asked = text("SELECT id, password_at, factor_at, factor_step FROM accounts ORDER BY id")
    with engine.connect() as connection:
        fresh, used = connection.execute(asked).all()
    assert tuple(fresh) == ("fresh", None, None, 0)
    assert before <= used.password_at <= clock.iso()
    downgrade(url, "0005")
    with engine.connect() as connection:
        assert len(connection.execute(text("SELECT id FROM accounts")).all()) == 2
    engine.dispose()
    upgrade(url)
