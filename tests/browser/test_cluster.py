"""The pages of nodes, storage, machines, volumes and tenants as a person sees and uses them."""

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from controller.records.session import transaction
from controller.records.tables import Job
from tests.browser.hospital import Hospital
from tests.browser.screen import DESK, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PAGES = {
    "/": ("3 个节点", "节点 node3 无应答", "磁盘 node3:/dev/sdc 故障", "reports-1"),
    "/vms?node=node2": ("reports-1", "被改动", "laboratory"),
    "/vms/{vm}": ("绕过医盒改动", "before-update", "在线迁移（加密）", "屏幕，只看", "由医盒选择：node2"),
    "/vms/{vm}/snapshots/{snapshot_id}/rollback": ("不可撤销", "before-update"),
    "/consoles": ("appointment-1", "进行中", "查看者离开"),
    "/nodes": ("node1", "控制节点", "connection timed out"),
    "/nodes/node2": ("成员节点", "可给虚拟机的内存", "检查配置（不改动）"),
    "/nodes/node2/drain": ("进入维护", "reports-1", "node1"),
    "/nodes/node3/remove": ("/dev/sdc", "会被拒绝"),
    "/nodes/tokens": ("如何更换一台坏掉的节点", "node3"),
    "/storage": ("降级，修复中", "14 min 00 s", "每份数据只有一份", "已承诺"),
    "/storage/disk?disk=node3:/dev/sdc": ("更换（磁盘坏了）", "移除（不再使用）"),
    "/volumes": ("lab-results", "15 GiB", "新建数据卷"),
    "/volumes/{volume_id}": ("卸下", "移到另一存储", "完整副本"),
    "/volumes/{volume_id}/delete": ("剩余信息保护",),
    "/templates": ("debian-13", "guest-base", "后备文件"),
    "/tenants": ("laboratory", "19 / 20 GiB", "更改限额"),
    "/tokens": ("monitor", "有效"),
}  # fmt: skip


def test_every_page_says_what_it_is_for(screen: Screen, hospital: Hospital, address: str) -> None:
    screen.address = address
    screen.sized(DESK)
    screen.enter("sysadmin", hospital.codes)
    screen.faults()
    missing = {}
    for page, words in PAGES.items():
        path = page.format(vm=hospital.vms["reports-1"], **hospital.ids)
        screen.go(path)
        # A folded or narrow part is part of the page too.
        text = screen.driver.execute_script("return document.body.textContent")
        lacks = [word for word in words if word not in text]
        if lacks or screen.faults():
            missing[page] = lacks
    assert not missing


def test_the_security_administrator_sees_who_may_what(
    screen: Screen, hospital: Hospital, address: str
) -> None:
    screen.address = address
    screen.enter("secadmin", hospital.codes)
    screen.go("/grants")
    assert "labdept" in screen.text()
    assert "/tenants/laboratory" in screen.text()
    screen.go("/consoles")
    assert "断开" in screen.text()
    assert not screen.faults()


def test_the_preview_follows_the_form(screen: Screen, hospital: Hospital, address: str) -> None:
    screen.address = address
    screen.enter("sysadmin", hospital.codes)
    screen.go("/vms/new")
    place = (By.ID, "place")
    wait = WebDriverWait(screen.driver, 15)
    wait.until(lambda d: "由医盒选择" in d.find_element(*place).text)
    screen.type("apart", "reports")
    screen.driver.find_element(By.NAME, "name").click()
    wait.until(lambda d: "由医盒选择：node1" in d.find_element(*place).text)
    screen.type("memory_mib", "900000")
    screen.driver.find_element(By.NAME, "name").click()
    wait.until(lambda d: "没有能容纳它的节点" in d.find_element(*place).text)
    screen.picture("vm-new-no-place")
    assert not screen.faults()


def test_a_token_for_a_program_is_shown_once(
    screen: Screen, hospital: Hospital, address: str
) -> None:
    screen.address = address
    screen.enter("sysadmin", hospital.codes)
    screen.go("/tokens")
    screen.type("name", "exporter")
    Select(screen.driver.find_element(By.NAME, "right")).select_by_value("view")
    screen.press("创建")
    key = screen.driver.find_element(By.ID, "key").text
    assert key.startswith("hbox_")
    screen.driver.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": address},
    )
    screen.driver.find_element(By.CSS_SELECTOR, "[data-copy]").click()
    WebDriverWait(screen.driver, 10).until(lambda _: "已复制" in screen.text())
    screen.go("/tokens")
    assert key not in screen.text()
    assert "exporter" in screen.text()
    assert not screen.faults()


def test_an_image_is_handed_in_and_its_import_asked_for(
    screen: Screen, hospital: Hospital, address: str, tmp_path: Path
) -> None:
    screen.address = address
    screen.enter("sysadmin", hospital.codes)
    image = tmp_path / "tiny.img"
    image.write_bytes(b"\0" * (3 << 20))
    screen.go("/templates")
    screen.type("name", "tiny")
    screen.driver.find_element(By.ID, "file").send_keys(str(image))
    screen.press("上传并导入")
    assert "/jobs/" in screen.driver.current_url
    with transaction(hospital.engine) as session:
        job = session.query(Job).filter_by(kind="template.import").one()
    held = hospital.settings.state / "uploads" / job.action["upload"]
    assert held.read_bytes() == image.read_bytes()
    assert not screen.faults()
