"""An error is a page of the console too: what happened, what to do, its code."""

from controller.web.pages import jobs
from tests.unit.controller.web.conftest import BASE


def test_an_unknown_address_is_told_in_the_frame(reader, app) -> None:
    answer = reader("sysadmin").get("/no/such/page")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert "object.not_found" in text
    assert "主菜单" in text
    bare = app.test_client().get("/no/such/page", base_url=BASE).get_data(as_text=True)
    assert "object.not_found" in bare
    assert "主菜单" not in bare


def test_below_api_the_api_answers(app) -> None:
    answer = app.test_client().get("/api/v1/no-such-thing", base_url=BASE)
    assert answer.status_code == 404
    assert answer.mimetype == "application/json"


def test_what_nobody_foresaw_shows_no_inside(reader, monkeypatch) -> None:
    def broken(*_) -> None:
        raise RuntimeError("an inside that nobody must see")

    monkeypatch.setattr(jobs.facts, "elapsed", broken)
    person = reader("sysadmin")
    person.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    answer = person.get("/jobs")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "box.error" in text
    assert "inside" not in text


def test_bad_form_values_are_named(reader) -> None:
    person = reader("sysadmin")
    form = {"name": "vm-x", "zone": "intranet", "node": "node1", "vcpus": "1", "disk_gib": "4"}
    for value in ("", "-1", "1e3", "٣", "99999999999"):
        answer = person.post("/vms/new", {**form, "memory_mib": value})
        assert answer.status_code == 400
        assert "memory_mib" in answer.get_data(as_text=True)
    assert "zone" in person.post("/vms/new", {**form, "zone": "x", "memory_mib": "512"}).text
    assert person.get("/jobs?before=x").status_code == 400


def test_a_file_of_another_name_or_none_is_refused_above_the_form(reader) -> None:
    person = reader("sysadmin")
    answer = person.post("/modules/install", {"vm_id": "x"})
    assert answer.status_code == 400
    assert "input.bad" in answer.get_data(as_text=True)
