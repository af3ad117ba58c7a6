"""Work asked for at the screen: the real queue and the real runner, with steps that a test holds back."""

import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from appliance.errors import Text
from appliance.signing import SigningKey
from controller.actions import ACTIONS
from controller.jobs.desk import Desk
from controller.jobs.ledger import Ledger
from controller.jobs.runner import Runner, Trade
from controller.jobs.steps import Step
from controller.jobs.trust import Sealed
from controller.records.session import transaction
from controller.records.tables import Job, JobStep, Vm
from tests.browser.hospital import NODE, Hospital
from tests.browser.screen import DESK, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


class HeldWork:
    """A worker whose second step waits until the test lets it go."""

    def __init__(self, hospital: Hospital) -> None:
        self.gate = threading.Event()
        ledger = Ledger(hospital.settings.state / "worker")
        trade = Trade(ACTIONS, self._plan, Sealed)
        self.runner = Runner(Desk(hospital.engine, ledger), trade, "browser-test", lease=60)
        self.engine = hospital.engine

    def _plan(self, _job: str, action) -> list[Step]:
        def held(say) -> None:
            say("waiting for the guest agent")
            assert self.gate.wait(60)
            say("the guest agent answers")
            actual("running")

        def actual(state: str) -> None:
            with transaction(self.engine) as session:
                vm = session.get(Vm, action.vm_id)
                vm.actual, vm.agent = state, state == "running"

        return [
            Step(
                "volume", Text("建立系统盘", "Make the system disk"), lambda say: say("disk made")
            ),
            Step(
                "agent",
                Text("等待客户机代理应答", "Wait for the guest agent"),
                held,
                lambda _say: actual("absent"),
            ),
            Step(
                "record", Text("记录实际状态", "Record its actual state"), lambda say: say("kept")
            ),
        ]


@pytest.fixture
def work(fresh: Hospital) -> Iterator[HeldWork]:
    held = HeldWork(fresh)
    yield held
    held.gate.set()
    assert held.runner.settle(20)


def until(screen: Screen, words: str) -> None:
    WebDriverWait(screen.driver, 20).until(lambda _: words in screen.text())


def test_a_machine_is_made_and_its_job_followed_live(
    screen: Screen, fresh: Hospital, fresh_address: str, work: HeldWork
) -> None:
    screen.address = fresh_address
    screen.sized(DESK)
    screen.faults()
    screen.enter("sysadmin", fresh.codes)
    screen.go("/vms")
    screen.driver.find_element(By.LINK_TEXT, "创建虚拟机 Create a machine").click()
    screen.settled()
    screen.type("name", "first-vm")
    Select(screen.driver.find_element(By.NAME, "zone")).select_by_value("extranet")
    screen.press("创建")
    assert "/jobs/" in screen.driver.current_url
    assert "排队中" in screen.text()
    screen.driver.execute_script("window.notReloaded = true")

    assert work.runner.tick()
    until(screen, "waiting for the guest agent")
    assert "进行中" in screen.text()
    screen.picture("work-job-running")
    screen.driver.refresh()
    screen.settled()
    assert "waiting for the guest agent" in screen.text(), "a reload lost the job"
    screen.driver.execute_script("window.notReloaded = true")

    work.gate.set()
    until(screen, "the guest agent answers")
    until(screen, "成功")
    assert screen.driver.execute_script("return window.notReloaded === true")
    with transaction(fresh.engine) as session:
        vm = session.query(Vm).filter_by(name="first-vm").one()
        steps = session.query(JobStep).filter_by(job_id=vm.job_id).all()
        assert (vm.node, vm.zone, vm.actual) == (NODE, "extranet", "running")
        assert all(step.state == "done" and step.seconds is not None for step in steps)
    assert not screen.faults()

    # The same name again: refused above the form, which keeps what was typed.
    screen.go("/vms/new")
    screen.type("name", "first-vm")
    screen.press("创建")
    assert "vm.name_taken" in screen.text()
    assert screen.driver.find_element(By.NAME, "name").get_attribute("value") == "first-vm"
    screen.picture("work-refused")
    assert [fault for fault in screen.faults() if "409" not in fault] == []

    # The estimate of the next one comes from this one.
    screen.type("name", "second-vm")
    work.gate.clear()
    screen.press("创建")
    assert work.runner.tick()
    until(screen, "以往")
    screen.driver.find_element(By.XPATH, "//main//button[contains(., '取消任务')]").click()
    until(screen, "已请求取消")
    work.gate.set()
    until(screen, "已取消")
    with transaction(fresh.engine) as session:
        assert session.query(Vm).filter_by(name="second-vm").count() == 0, "its name is not free"


def test_the_focus_survives_the_page_renewing_itself(
    screen: Screen, hospital: Hospital, address: str
) -> None:
    screen.address = address
    screen.sized(DESK)
    screen.enter("sysadmin", hospital.codes)
    screen.go(f"/jobs/{hospital.jobs['running']}")
    script = (
        "const b = [...document.querySelectorAll('main button')].find((x) => x.textContent.includes('取消任务'));"
        "b.focus(); b.marked = true;"
    )
    screen.driver.execute_script(script)
    renewed = (
        "return [...document.querySelectorAll('main button')].some((x) => !x.marked)"
        " && ![...document.querySelectorAll('main button')].some((x) => x.marked)"
    )
    WebDriverWait(screen.driver, 15).until(lambda driver: driver.execute_script(renewed))
    focus = "return document.activeElement.innerText"
    assert "取消任务" in screen.driver.execute_script(focus)


def test_a_module_file_is_handed_in_and_asked_for(
    screen: Screen, fresh: Hospital, fresh_address: str, tmp_path: Path
) -> None:
    screen.address = fresh_address
    screen.sized(DESK)
    screen.enter("secadmin", fresh.codes)
    screen.go("/modules/trust")
    screen.type("vendor", "meditech")
    screen.type("ids", "appointment")
    screen.type("pem", SigningKey.new().public.pem.decode())
    screen.press("信任")
    assert "信任厂商 meditech" in screen.text()

    with transaction(fresh.engine) as session:
        session.query(Vm).filter_by(name="first-vm").one()  # made by the test above
    file = tmp_path / "appointment-0.1.0.hmod"
    with tarfile.open(file, "w") as tar:
        head = tarfile.TarInfo("module.toml")
        head.size = 4
        tar.addfile(head, io.BytesIO(b"none"))
    screen.enter("sysadmin", fresh.codes)
    screen.go("/modules/install")
    screen.driver.find_element(By.NAME, "file").send_keys(str(file))
    screen.press("上传并安装")
    assert "安装模块 appointment" in screen.text()
    with transaction(fresh.engine) as session:
        job = session.query(Job).filter_by(kind="module.install").one()
        held = fresh.settings.state / "uploads" / job.action["upload"]
    assert held.read_bytes() == file.read_bytes()
