"""The `hbox sample …` commands: the whole way from nothing to a running sample hospital."""

import argparse
import sys

from appliance.host import write_atomically
from images import build
from images import cache as caches
from images.lab import Lab, life
from images.sample import visit
from images.sample.deploy import deploy
from images.sample.desk import SYSTEM, Desk

UNITS = ("hbox-firstboot", "hbox-web", "hbox-worker", "hbox-gateway")
PATIENT = 8444


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the `sample` command."""
    verbs = subparsers.add_parser("sample", help="示范医院 / the sample hospital")
    up = verbs.add_subparsers(required=True).add_parser(
        "up", help="从零到运行中的示范医院 / from nothing to a running sample hospital"
    )
    up.add_argument("--name", default="hbox")
    up.add_argument("--console-port", type=int, default=life.CONSOLE)
    up.add_argument("--patient-port", type=int, default=PATIENT)
    up.set_defaults(run=_up)


def _up(args: argparse.Namespace) -> int:
    cache = caches.default()
    progress = build.progress(cache)
    lab = life.up(
        args.name,
        console_port=args.console_port,
        patient_port=args.patient_port,
        progress=progress,
    )
    node = lab.nodes[0]
    with progress.step("sample.box", "等待医盒服务就绪", "waiting for the box's services"):
        node.wait_ready(units=UNITS)
        desk = Desk(node)
        desk.wait()
    deploy(desk, lab.names.folder, cache, progress)
    with progress.step(
        "sample.visit", "两次真实预约穿过网关", "two real bookings through the gateway"
    ):
        base, patient = f"http://127.0.0.1:{args.patient_port}", ("张示范", "13800138000")
        seen = [visit.go(base, name=patient[0], phone=patient[1], hl7=hl7) for hl7 in (False, True)]
    with progress.step("sample.prove", "证明内外网隔离", "proving the separation"):
        desk.tell(SYSTEM, "gateway", "prove")
    with progress.step("sample.compliance", "等保三级自查", "the level-3 self-check"):
        desk.tell(SYSTEM, "compliance", "run")
    _hand_over(lab, args, seen, progress.total())
    return 0


def _hand_over(lab: Lab, args: argparse.Namespace, seen: list[visit.Visit], seconds: float) -> None:
    """Copy what a person needs to this machine and say where it lies."""
    node, folder = lab.nodes[0], lab.names.folder
    fhir, hl7 = seen
    codes, authority = folder / "first-login.txt", folder / "ca.crt"
    write_atomically(codes, node.read("/var/lib/hbox/first-login.txt"), mode=0o600)
    write_atomically(authority, node.read("/var/lib/hbox/tls/ca.crt"))
    report = folder / "compliance-report.html"
    for form in ("html", "json"):
        write_atomically(report.with_suffix(f".{form}"), Desk(node).report(form))
    _say(
        f"""
示范医院已就绪，用时 {seconds:.0f} 秒 The sample hospital is up, after {seconds:.0f} s

  控制台 console           https://127.0.0.1:{args.console_port}
  患者预约页 patient page  http://127.0.0.1:{args.patient_port}
  首次登录码 login codes   {codes}
  医盒 CA the box's CA     {authority}
  合规报告 report          {report}
  网关日志 journal         {node.name}:/var/lib/hbox/gateway/journal
  FHIR 预约 booking        {fhir.slot}: {fhir.answer} ({fhir.seconds:.1f} s)
  HL7 v2 预约 booking      {hl7.slot}: {hl7.answer} ({hl7.seconds:.1f} s)

  进入节点 a shell on it   .venv/bin/hbox lab ssh
  停止并清除 take it down   make down
"""
    )


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
