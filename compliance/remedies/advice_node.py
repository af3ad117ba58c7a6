"""What a person does about a node, its hypervisor or the boundary where no role can mend it."""

from appliance.errors import Text

NODE: dict[str, Text] = {
    "listening": Text(
        "请查明证据中所列端口由谁监听（ss -tulnp），停用该服务，或在模块清单中申报。",
        "Find who listens on the ports shown (ss -tulnp); stop that service, or declare it.",
    ),
    "two_factor": Text(
        "SSH 仅凭密钥一种因素：人员请改用控制台（口令加动态口令），SSH 只留给控制器；确需人员使用时为其另配第二因素"
        "（AuthenticationMethods publickey,keyboard-interactive）。",
        "SSH takes a key and nothing else: have people use the console (password and one-time code) and leave SSH to "
        "the controller; who needs it gets a second factor (AuthenticationMethods publickey,keyboard-interactive).",
    ),
    "wireless": Text(
        "请拆除无线网卡，或在 BIOS 中禁用。", "Take the wireless card out, or off in the BIOS."
    ),
    "package_files": Text(
        "请先查明文件为何被改；确认无入侵后重装证据所列软件包，或更换节点。",
        "First find why the file changed; when no intruder did it, install that package anew or replace the node.",
    ),
    "updates": Text(
        "请在维护窗口安装安全更新：把节点置为维护，更新后恢复。",
        "Install the security updates in a maintenance window: drain the node, update, restore.",
    ),
    "boot_trust": Text(
        "请在 BIOS 中启用安全启动和 TPM；旧机器不具备时请申请豁免。",
        "Turn on Secure Boot and the TPM in the BIOS; ask for a waiver where the machine has none.",
    ),
    "disk_encryption": Text(
        "磁盘加密须在安装时选择；请在下次换盘或重装时启用 LUKS。",
        "Encryption is chosen at installation: use LUKS when a disk is replaced or the node installed anew.",
    ),
    "minimal_install": Text(
        "请卸载证据所列的多余软件包（apt purge），确认模块不依赖它们。",
        "Remove the packages shown (apt purge), once no module needs them.",
    ),
    "temperature": Text(
        "请检查机房空调与风扇，清理灰尘。", "Look after cooling and fans; remove dust."
    ),
    "load": Text("请迁走部分虚拟机或增加节点。", "Move machines away, or add a node."),
    "link_load": Text(
        "请提高链路带宽，或限制大流量通道的速率。",
        "Widen the link, or limit the rate of the busiest channels.",
    ),
    "vm_networks": Text(
        "请在控制台为该虚拟机只保留一个区域的网卡。",
        "Leave that machine one network card of one zone, in the console.",
    ),
    "vm_known": Text(
        "请查明虚拟机来历；不是医盒创建的应停用并删除。",
        "Find where that machine comes from; stop and remove what the box did not make.",
    ),
    "vm_confinement": Text(
        "请启用 AppArmor 后逐台重启虚拟机。",
        "Turn AppArmor on, then restart the machines one by one.",
    ),
    "template_signatures": Text(
        "请用 hbox template check 核对，移除未签名的模板后重新导入。",
        "Check with `hbox template check`; remove what is not signed and import it anew.",
    ),
    "erasures": Text(
        "请重试未完成的擦除任务；仍失败时更换磁盘并物理销毁。",
        "Retry the erasures that did not end; else replace the disk and destroy it.",
    ),
    "replicas": Text(
        "请加入更多节点和磁盘，使数据保存多份。",
        "Add nodes and disks, so that data is kept several times.",
    ),
    "mutual_trust": Text(
        "请对证书将到期的节点运行 hbox node configure 以换发。",
        "Run `hbox node configure` where a certificate is about to end: it issues a new one.",
    ),
    "state_rules": Text(
        "请运行 hbox node configure 重写防火墙；内核不能跟踪会话时，先装载模块 nf_conntrack_bridge（医盒自带的内核有）。",
        "Run `hbox node configure` to write the filter anew; where the kernel tracks no session, load "
        "nf_conntrack_bridge first (the box's own kernel has it).",
    ),
    "outward": Text(
        "请查明证据所列的外联由谁发起，并关闭它。",
        "Find who opens the connections shown, and close them.",
    ),
    "management_zone": Text(
        "请为管理网配置独立网段和网卡。", "Give management a network and a card of its own."
    ),
    "tunnels": Text(
        "请关闭证据所列的隧道；远程运维结束后即关。",
        "Close the tunnels shown; remote maintenance is closed as soon as it is over.",
    ),
    "boundary_trust": Text(
        "请在 BIOS 中启用安全启动和 TPM。", "Turn on Secure Boot and the TPM in the BIOS."
    ),
    "gateway_policy": Text(
        "请查明策略文件为何与签名不符；由另一位安全管理员重新批准最近的变更。",
        "Find why the policy differs from its signature; have the last change approved anew.",
    ),
    "gateway_proof": Text(
        "请运行 hbox gateway prove，并处理其列出的通路。",
        "Run `hbox gateway prove`, and close the ways that it lists.",
    ),
    "exchange_journal": Text(
        "交换日志被改动，请按安全事件处置，并从备份核对。",
        "The exchange's journal was altered: treat it as an incident, and compare with the copies.",
    ),
    "transfer_records": Text(
        "请重建交换索引（hbox gateway index），并核对缺失的记录。",
        "Rebuild the exchange's index (`hbox gateway index`) and look for what is missing.",
    ),
    "channel_retention": Text(
        "请把通道的留存天数改为 180 天以上（通道变更需批准）。",
        "Raise the channel's retention to 180 days or more (a change that is approved).",
    ),
    "attack_records": Text(
        "请确认网关服务和告警在工作：记录不全的拒绝见“数据交换”页，缺的告警由网关自动产生。",
        "See that the gateway and its alerts work: refusals stand on the page of the exchange.",
    ),
}
