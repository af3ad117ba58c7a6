"""A whole resource: every element of R4 crosses, nothing else does."""

import json
from copy import deepcopy

import pytest

from network.gateway import exact
from network.gateway.fhir.definitions import is_resource, resources, type_of
from network.gateway.fhir.whole import Walk
from network.gateway.findings import Findings
from network.gateway.refusals import BodyRefused

OBSERVATION = b"""{"resourceType":"Observation","id":"o1","meta":{"profile":["http://a/b|1"],"lastUpdated":"2026-11-30T09:00:00.123+08:00"},
"text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">\xe8\xa1\x80\xe7\xb3\x96</div>"},
"contained":[{"resourceType":"Patient","id":"p"}],
"extension":[{"url":"http://x/y","extension":[{"url":"z","valueDecimal":1.50}]}],
"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"15074-8"}],"text":"p < 0.05"},
"subject":{"reference":"#p"},"effectiveDateTime":"2026-11","_effectiveDateTime":{"extension":[{"url":"u","valueCode":"c"}]},
"valueQuantity":{"value":6.30,"comparator":"<","unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"},
"component":[{"code":{"text":"a"},"valueSampledData":{"origin":{"value":0},"period":10,"dimensions":1,"data":"1 2 E"}}]}"""
PATIENT = b"""{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"g","extension":[{"url":"u","valueBoolean":true}]}]}],
"photo":[{"contentType":"image/png","data":"iVBO Rw0K"}],"multipleBirthInteger":2,"birthDate":"1990"}"""


def walked(value, findings=None):
    walk = Walk(
        findings or Findings(), lambda item, _: walk.resource(item, item["resourceType"]) or item
    )
    walk.resource(value, value["resourceType"])
    return value


def read(body):
    return exact.read(body, limit=1 << 20)[0]


@pytest.mark.parametrize("body", [OBSERVATION, PATIENT])
def test_every_element_of_r4_passes_as_it_is(body):
    assert exact.write(walked(read(body))) == exact.write(read(body))
    assert b"6.30" in OBSERVATION


def test_a_base64_element_is_handed_to_the_scanner():
    findings = Findings()
    walked(read(PATIENT), findings)
    assert findings.attachments == [b"\x89PNG\r\n"]


def changed(body, path, new):
    value = deepcopy(read(body))
    *above, last = path
    place = value
    for step in above:
        place = place[step]
    place[last] = new
    return value


@pytest.mark.parametrize(
    ("path", "new", "where"),
    [
        (["patient"], "x", "$.patient"),
        (["status"], ["final"], "$.status"),
        (["status"], "", "$.status"),
        (["status"], "<script>", "$.status"),
        (["status"], None, "$.status"),
        (["id"], "../x", "$.id"),
        (["meta", "lastUpdated"], "2026-11-30", "$.meta.lastUpdated"),
        (["meta", "profile", 0], "javascript:alert(1)", "$.meta.profile[0]"),
        (["meta", "profile"], [], "$.meta.profile"),
        (["meta", "profile"], [{}], "$.meta.profile[0]"),
        (["effectiveDateTime"], "2026-13", "$.effectiveDateTime"),
        (["_effectiveDateTime"], {"x": 1}, "$._effectiveDateTime.x"),
        (["_valueQuantity"], {"id": "x"}, "$._valueQuantity"),
        (["effectiveInstant"], "2026-11-30T09:00:00Z", "$.effectiveInstant"),
        (["valueQuantity", "value"], "6.3", "$.valueQuantity.value"),
        (["valueQuantity", "value"], True, "$.valueQuantity.value"),
        (["valueQuantity", "value"], 10**50, "$.valueQuantity.value"),
        (["valueQuantity"], {}, "$.valueQuantity"),
        (["valueAddress"], {"city": "x"}, "$.valueAddress"),
        (["code", "coding", 0, "system"], 'http://x"onclick=', "$.code.coding[0].system"),
        (["code", "coding", 0, "userSelected"], "true", "$.code.coding[0].userSelected"),
        (["component", 0, "valueSampledData", "dimensions"], 0, "$.component[0].valueSampledData.dimensions"),
        (["component", 0, "valueSampledData", "dimensions"], 1.5, "$.component[0].valueSampledData.dimensions"),
        (["component", 0, "component"], [], "$.component[0].component"),
        (["contained", 0, "deceasedBoolean"], 1, "$.deceasedBoolean"),
        (["extension", 0, "valueString"], 1, "$.extension[0].valueString"),
        (["extension", 0, "extension", 0, "url"], "", "$.extension[0].extension[0].url"),
        (["text", "div"], 1, "$.text.div"),
        (["text", "status"], "\x00", "$.text.status"),
        (["code", "text"], "a\x08b", "$.code.text"),
        (["subject", "resourceType"], "Patient", "$.subject.resourceType"),
    ],
)  # fmt: skip
def test_what_is_not_of_r4_is_refused_by_its_path(path, new, where):
    with pytest.raises(BodyRefused) as refused:
        walked(changed(OBSERVATION, path, new))
    assert refused.value.fields["path"] == where


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (["multipleBirthBoolean"], True),
        (["name", 0, "given"], "a"),
        (["name", 0, None], 1),
        (["photo", 0, "data"], "not base64!"),
        (["photo", 0, "data"], "iVBORw0"),
        (["photo", 0, "url"], "data:text/html,x"),
        (["photo", 0, None], None),
        (["photo", 0], None),
        (["birthDate"], "19900101"),
    ],
)
def test_a_patient_that_is_none(path, new):
    value = changed(PATIENT, [p if p is not None else "nothing" for p in path], new)
    with pytest.raises(BodyRefused):
        walked(value)


def test_markup_in_free_text_is_made_harmless_and_counted():
    findings = Findings()
    value = walked(
        changed(OBSERVATION, ["code", "text"], "<img src=x onerror=alert(1)> <5 mg/L"), findings
    )
    assert value["code"]["text"] == "＜img src=x onerror=alert(1)> <5 mg/L"
    assert findings.inert == 1
    turned = walked(changed(OBSERVATION, ["code", "text"], "血\u202e压"), findings)
    assert (turned["code"]["text"], findings.inert) == ("血压", 2)
    value = walked(
        changed(OBSERVATION, ["text", "div"], "<div><script>1</script>x</div>"), findings
    )
    assert "script" not in value["text"]["div"]
    assert findings.inert == 3


def test_the_definitions_are_whole():
    assert len(resources()) == 146
    for name in resources():
        assert {"id", "meta", "implicitRules", "language"} <= set(type_of(name).elements)
        stack, seen = [name], set()
        while stack:
            for element in type_of(stack.pop()).elements.values():
                if (
                    not element.primitive
                    and element.type != "Resource"
                    and element.type not in seen
                ):
                    seen.add(element.type)
                    stack.append(element.type)
    assert not any(
        is_resource(name)
        for name in ("Resource", "DomainResource", "HumanName", "Patient.contact", "x")
    )
    assert (
        type_of("Questionnaire").elements["item"] == type_of("Questionnaire.item").elements["item"]
    )
    assert json.dumps(sorted(type_of("Age").elements)) == json.dumps(
        sorted(type_of("Quantity").elements)
    )
