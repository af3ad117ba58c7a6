"""What a person does about the controller, the modules or the database: a change there is never made by itself."""

from appliance.errors import Text

BOX: dict[str, Text] = {
    "console_tls": Text(
        "请检查控制台证书与 TLS 设置，重启 hbox-web。",
        "Look at the console's certificate and TLS settings, then restart hbox-web.",
    ),
    "roles": Text(
        "请为系统、安全、审计管理员分别建立账号，并停用兼任者。",
        "Give the system, security and audit administrators an account each; disable who holds two.",
    ),
    "credentials": Text(
        "请由证据所列人员重新设置口令。", "Have the people shown set their passwords anew."
    ),
    "login_refusal": Text(
        "控制台接口未拒绝未登录者：请停用 hbox-web 并联系支持人员。",
        "The console let somebody in without a log-in: stop hbox-web and call support.",
    ),
    "session_idle": Text(
        "请把会话空闲时间设为 30 分钟以内（/etc/hbox/hbox.toml）。",
        "Set the idle time of sessions to 30 minutes or less (/etc/hbox/hbox.toml).",
    ),
    "console_passwords": Text(
        "请由证据所列人员更换到期口令。", "Have the people shown change their outdated passwords."
    ),
    "web_unprivileged": Text(
        "控制台服务单元被改动：请恢复原样（重装产品层）。",
        "The console's unit was changed: bring the product's own back.",
    ),
    "audit_chain": Text(
        "审计链断裂，请按安全事件处置：保留现场，从外部副本核对。",
        "The audit chain is broken: treat it as an incident, keep all, compare with outside copies.",
    ),
    "tampering_noticed": Text(
        "试改未被发现：请停用并联系支持人员。", "A trial change went unnoticed: call support."
    ),
    "audit_records": Text(
        "审计记录缺字段：请联系支持人员。", "Audit records lack fields: call support."
    ),
    "second_factor": Text(
        "请由证据所列人员登录控制台并绑定动态口令。",
        "Have the people shown log in and bind a second factor.",
    ),
    "lockouts": Text(
        "请查看被锁定账号的登录来源，确认后解锁。",
        "Look where the wrong log-ins came from, then unlock.",
    ),
    "tokens": Text(
        "请吊销证据所列令牌并改发有期限的。", "Revoke the tokens shown; issue ones that end."
    ),
    "idle_accounts": Text("请停用证据所列闲置账号。", "Disable the idle accounts shown."),
    "vendor_accounts": Text(
        "请为外部人员账号登记单位与期限，到期停用。",
        "Enter company and end of each outsider's account; disable what is over.",
    ),
    "account_requests": Text(
        "请通过控制台开通账号，使申请留痕。",
        "Open accounts through the console, so that it is on record.",
    ),
    "posts": Text(
        "请为空缺的管理员岗位任命人员并建立账号。",
        "Appoint somebody to each empty post, with an account.",
    ),
    "duties": Text(
        "请各管理员用本人账号履行职责（审批、审计、系统）。",
        "Have each administrator do their own duty with their own account.",
    ),
    "change_approvals": Text(
        "请由另一位管理员审批变更。", "Have changes approved by another administrator."
    ),
    "rollbacks": Text("请处理未能回退的任务。", "Deal with the jobs that could not be taken back."),
    "regular_checks": Text(
        "请设置定期检查（hbox compliance schedule）。",
        "Set a schedule (`hbox compliance schedule`).",
    ),
    "checked_after_change": Text(
        "请在重大变更后执行一次检查。", "Run the inspection after a major change."
    ),
    "assets": Text(
        "请补全资产清单（hbox node inspect）。",
        "Complete the list of assets (`hbox node inspect`).",
    ),
    "data_classes": Text(
        "请为证据所列卷和通道标明数据级别。",
        "Mark the volumes and channels shown with a data class.",
    ),
    "drift": Text(
        "请查明无记录的变化由谁造成，恢复原状或补办变更。",
        "Find who made the change without a record; take it back, or record it.",
    ),
    "nodes_seen": Text("请恢复失联节点，或将其移除。", "Bring the silent node back, or remove it."),
    "storage_room": Text("请增加磁盘或清理数据。", "Add disks, or remove data."),
    "alerts_answered": Text("请处理未确认的告警。", "Answer the alerts that wait."),
    "log_review": Text(
        "请由审计管理员核对审计链并签字。",
        "Have the audit administrator look through the audit chain.",
    ),
    "record_copies": Text(
        "请设置并执行记录备份（hbox records export）。",
        "Back the records up (`hbox records export`).",
    ),
    "copies_elsewhere": Text("请把备份存放到另一地点。", "Keep copies at another place."),
    "restore_drill": Text("请做一次恢复演练并登记。", "Try a restore, and record it."),
    "redundancy": Text("请至少配置三个节点。", "Have at least three nodes."),
    "dev_tools": Text(
        "请把开发工具和开发机移出生产系统。", "Take development tools out of production."
    ),
    "algorithms": Text("请停用清单中标为弱的算法。", "Stop using the algorithms marked as weak."),
    "input_refusal": Text(
        "控制台未拒绝恶意输入：请联系支持人员。", "The console took hostile input: call support."
    ),
    "web_headers": Text(
        "控制台安全响应头缺失：请联系支持人员。", "Security headers are missing: call support."
    ),
    "remote_sessions": Text(
        "请通过控制台进行远程访问，使其留痕。", "Make remote access through the console, on record."
    ),
    "media_wiped": Text(
        "请擦除或销毁证据所列介质并登记。", "Wipe or destroy the media shown, and record it."
    ),
    "central_policy": Text("请通过控制台统一下发策略。", "Set policy through the console."),
    "module_signatures": Text(
        "请移除未签名的模块，向厂商索取签名包。",
        "Remove unsigned modules; ask the vendor for signed ones.",
    ),
    "module_papers": Text(
        "请向厂商索取缺少的交付资料后重新安装。",
        "Ask the vendor for the papers that are missing, then install anew.",
    ),
    "module_malware": Text(
        "请重新扫描模块；确认感染即移除。", "Scan the module again; remove it when infected."
    ),
    "module_rights": Text(
        "请让厂商缩减模块申报的权限。", "Have the vendor narrow what the module asks for."
    ),
    "module_data": Text(
        "请让厂商只采集必要的个人信息。", "Have the vendor take only the personal data needed."
    ),
    "personal_numbers": Text(
        "请检查证据所列通道，屏蔽个人号码。", "Mask personal numbers on the channels shown."
    ),
    "module_flows": Text(
        "请让厂商为证据所列通信启用 TLS。", "Have the vendor use TLS on the flows shown."
    ),
    "records_integrity": Text(
        "数据库损坏：请从备份恢复（hbox records）。",
        "The database is damaged: restore it from a copy (`hbox records`).",
    ),
    "pg_access": Text(
        "请收紧 pg_hba.conf 中的来源与方式。", "Narrow sources and methods in pg_hba.conf."
    ),
    "pg_settings": Text(
        "请按提示修改 PostgreSQL 设置并重新加载。",
        "Change PostgreSQL's settings as shown, then reload.",
    ),
    "pg_roles": Text(
        "请收回证据所列数据库角色的多余权限。", "Take the excess rights of the roles shown away."
    ),
    "records_backup": Text(
        "请执行数据库备份（hbox records export）。", "Back the database up (`hbox records export`)."
    ),
}
