//! Texts of the audit log.

super::messages! {
    nav_audit: "Audit log", "审计日志";
    audit_lead:
        "Who changed what, when, and from which address. Every entry is written in the same transaction as its change.",
        "谁在何时、从哪个地址做了什么改动。每条记录与对应的改动在同一事务中写入。";
    audit_when: "When", "时间";
    audit_what: "What", "事件";
    audit_app: "App", "应用";
    audit_subject: "Subject", "对象";
    audit_by: "Actor", "操作者";
    audit_address: "Address", "来源地址";
    audit_since: "Since", "起始时间";
    audit_since_hint: "as in 2026-11-21", "如 2026-11-21";
    audit_address_hint: "as in 192.0.2.1", "如 192.0.2.1";
    audit_by_hint: "operator:1, cli, or user", "如 operator:1、cli 或 user";
    audit_token: "Token number", "令牌编号";
    audit_any: "Any event", "全部";
    audit_none: "No matching entries.", "没有符合条件的记录。";
    audit_token_number(id): "Token {id}", "令牌 {id}";
    audit_operator_number(id): "Operator {id}", "管理员 {id}";
    audit_key_number(id): "Key {id}", "密钥 {id}";
    audit_wrong_app: "This is not a valid app key.", "这不是应用标识。";
    audit_wrong_token: "This is not a token number.", "这不是令牌编号。";
    audit_wrong_actor: "This is not a valid actor.", "操作者的格式不对。";
    audit_wrong_address: "This is not an IP address.", "这不是 IP 地址。";
    audit_wrong_since: "This is neither a date nor a time with an offset.", "这不是日期，也不是带时区的时间。";

    audit_token_issued: "Token issued", "签发令牌";
    audit_token_updated: "Token changed", "修改令牌";
    audit_token_rotated: "Token rotated", "轮换令牌";
    audit_token_reused: "Old secret presented", "出现旧令牌";
    audit_token_revoked: "Token revoked", "吊销令牌";
    audit_token_deleted: "Token deleted", "删除令牌";
    audit_app_created: "App created", "创建应用";
    audit_app_updated: "App changed", "修改应用";
    audit_app_suspended: "App suspended", "暂停应用";
    audit_app_resumed: "App resumed", "恢复应用";
    audit_app_deleted: "App deleted", "删除应用";
    audit_operator_created: "Operator created", "创建管理员";
    audit_operator_revoked: "Operator revoked", "吊销管理员";
    audit_tokens_purged: "Old tokens removed", "清理旧令牌";
    audit_restored: "Restored from a backup", "从备份恢复";
    audit_key_added: "Key added", "添加密钥";
    audit_key_activated: "Key made current", "启用密钥";
    audit_key_retired: "Key retired", "停用密钥";

    actor_cli: "Command line", "命令行";
    actor_operator(id): "Operator {id}", "管理员 {id}";
    actor_manager(id): "Manager, by token {id}", "管理方（令牌 {id}）";
    actor_user(user, id): "User {user}, by token {id}", "用户 {user}（令牌 {id}）";
    actor_bearer(id): "Bearer of token {id}", "令牌 {id} 的持有者";
    actor_client: "Client credentials", "客户端凭据";
    actor_anonymous: "Anybody", "匿名";
    actor_retention: "Retention", "自动清理";
    actor_reuse_detection: "Reuse detection", "旧令牌检测";
    actor_reporter: "Leak report", "泄露上报";
}
