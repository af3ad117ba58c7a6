"""The manifest: what is right is read, every wrong field is refused and named."""

import tomllib

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BoxError
from appliance.sdk import manifest
from appliance.sdk.errors import ManifestInvalid
from tests.unit.sdk.sample import MANIFEST


def test_reads_the_sample() -> None:
    got = manifest.parse(MANIFEST.encode())
    assert got.file_name == "acme-visit-1.2.3.hmod"
    assert [flow.crosses for flow in got.flows] == [False, True]
    assert got.flows[1].response is not None
    assert got.flows[1].response.fields[1].path == "entry[].resource.status"
    assert got.module.title.zh == "问诊"


def _flow_field(old: str, new: str) -> str:
    head, tail = MANIFEST.split('name = "slots"')
    return head + 'name = "slots"' + tail.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (MANIFEST.replace("format = 1", "format = 2"), "module.format"),
        (MANIFEST.replace('"acme-visit"\nversion', '"Acme"\nversion'), "module.id"),
        (MANIFEST.replace('"acme-visit"\nversion', '"../x"\nversion'), "module.id"),
        (MANIFEST.replace('"1.2.3"', '"1.2"'), "module.version"),
        (MANIFEST.replace('"1.2.3"', '"01.2.3"'), "module.version"),
        (MANIFEST.replace("memory = 512", 'memory = "512"'), "component.memory"),
        (MANIFEST.replace("memory = 512", "memory = 64"), "component.memory"),
        (MANIFEST.replace('zone = "extranet"', 'zone = "management"'), "component.zone"),
        (MANIFEST.replace("vcpus = 1", "vcpus = 1\ncpus = 1"), "component.cpus"),
        (MANIFEST.replace("vcpus = 1\n", ""), "component.vcpus"),
        (MANIFEST.replace('"acme_visit"', '"os; rm"'), "run.package"),
        (MANIFEST.replace('"patients"', '"internet"'), "flows.0.from"),
        (MANIFEST.replace("data_class = 3\nrate", "data_class = 6\nrate"), "flows.0.data_class"),
        (MANIFEST.replace('from = "patients"', 'from = "self"'), "flows.0"),
        (MANIFEST.replace('"patients"', '"hospital"'), "module.toml"),
        (MANIFEST.replace('"page"', '"slots"', 1), "flows"),
        (MANIFEST.replace("port = 8080\ndata_class", "port = 81\ndata_class"), "module.toml"),
        (MANIFEST.replace("retention = 30", "retention = 0"), "data.0.retention"),
        (MANIFEST.replace("hbox-module/acme-visit", "hbox-module/other"), "module.toml"),
        (MANIFEST.replace("hbox-module/acme-visit", "hbox-module/../x"), "data.0.path"),
        (MANIFEST.replace('"/health/deep"', '"health"'), "health.deep"),
        (MANIFEST.replace('deep = "/health/deep"\n', ""), "health.deep"),
        (
            MANIFEST.replace("[component]", 'privileges = ["root"]\n[component]'),
            "module.privileges",
        ),
        ('privileges = ["root"]\n' + MANIFEST, "privileges"),
        (_flow_field('channel = "slot-read"\n', ""), "flows.1"),
        (_flow_field('lane = "request"\n', ""), "flows.1"),
        (_flow_field('lane = "request"', 'lane = "store"'), "flows.1"),
        (_flow_field('"/fhir/Slot"', '"/fhir/Slot?x=1"'), "flows.1.path"),
        (
            _flow_field("entry[].resource.status", "entry[0].status"),
            "flows.1.response.fields.1.path",
        ),
        (_flow_field('values = ["Bundle"]', 'values = ["Slot"]'), "flows.1.response"),
        (_flow_field('protocol = "http"', 'protocol = "tcp"'), "flows.1.protocol"),
    ],
)
def test_names_the_wrong_field(text: str, path: str) -> None:
    assert text != MANIFEST
    with pytest.raises(ManifestInvalid) as caught:
        manifest.parse(text.encode())
    assert caught.value.fields["path"] == path
    assert caught.value.message.zh.startswith("模块清单")


HL7 = """
[[flows]]
name = "orders"
from = "gateway"
to = "self"
protocol = "hl7v2"
port = 2575
channel = "orders"
lane = "store"
types = ["ORM^O01"]
parts = [{ path = "PID-3", required = true }, { path = "PID-5.1", mask = "name" }, { path = "OBR-*" }]
data_class = 3
rate = 60
purpose = { zh = "医嘱", en = "orders" }
"""
FHIR = """
[[flows]]
name = "results"
from = "self"
to = "gateway"
protocol = "fhir"
port = 8080
channel = "results"
lane = "request"
path = "/fhir"
data_class = 3
rate = 60
purpose = { zh = "结果", en = "results" }
[[flows.resources]]
type = "Observation"
interactions = ["read", "search"]
params = ["code"]
whole = true
"""


def test_reads_other_protocols() -> None:
    got = manifest.parse((MANIFEST + HL7 + FHIR).encode())
    line, resources = got.flows[2], got.flows[3]
    assert (line.types, line.charset, line.parts[1].mask) == (("ORM^O01",), "GB18030", "name")
    assert resources.resources[0].whole


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("port = 2575", "port = 8080", "module.toml"),
        ('types = ["ORM^O01"]', 'types = ["ORM"]', "flows.2.types.0"),
        ('types = ["ORM^O01"]', "types = []", "flows.2"),
        ('"PID-3"', '"PID.3"', "flows.2.parts.0.path"),
        ('"PID-3"', '"PID-0"', "flows.2.parts.0.path"),
        ('mask = "name"', 'carries = ["iris"]', "flows.2.parts.1.carries.0"),
        ('lane = "store"', 'lane = "request"', "flows.2"),
        ('channel = "orders"', 'channel = "orders"\npath = "/x"', "flows.2"),
        ('channel = "orders"', 'channel = "orders"\nmethod = "POST"', "flows.2"),
        ('channel = "orders"', 'channel = "orders"\ncharset = "BIG5"', "flows.2.charset"),
        ('path = "/fhir"\n', "", "flows.3"),
        ("whole = true", "whole = false", "flows.3.resources.0"),
        ('"read", "search"', '"delete"', "flows.3.resources.0.interactions.0"),
        ('"read", "search"', "", "flows.3.resources.0.interactions"),
        ('path = "/fhir"', 'path = "/fhir"\ntypes = ["ORM^O01"]', "flows.3"),
        ('to = "gateway"\nprotocol = "fhir"', 'to = "hospital"\nprotocol = "fhir"', "flows.3"),
    ],
)
def test_names_the_wrong_field_of_other_protocols(old: str, new: str, path: str) -> None:
    more = (HL7 + FHIR).replace(old, new, 1)
    assert more != HL7 + FHIR
    with pytest.raises(ManifestInvalid) as caught:
        manifest.parse((MANIFEST + more).encode())
    assert caught.value.fields["path"] == path


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(BoxError):
        manifest.parse(data)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner)
    | st.dictionaries(st.sampled_from(["module", "flows", "data", "from", "x"]), inner)))  # fmt: skip
def test_any_value_is_refused(value: object) -> None:
    with pytest.raises(ManifestInvalid):
        manifest.from_dict({"module": value})  # never whole


def test_deep_nesting_and_size_are_refused() -> None:
    for text in (b"a = " + b"[" * 50_000, b"#" * (manifest.LIMIT + 1)):
        with pytest.raises(ManifestInvalid):
            manifest.parse(text)


def test_the_schema_agrees_on_the_sample() -> None:
    schema = manifest.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(tomllib.loads(MANIFEST))
    for wrong in (MANIFEST.replace("vcpus = 1", "cpus = 1"), MANIFEST.replace('"1.2.3"', '"x"')):
        assert not validator.is_valid(tomllib.loads(wrong))
