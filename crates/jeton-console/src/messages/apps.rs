//! Texts about apps.

super::messages! {
    apps_lead:
        "An app is a tenant, with its own tokens, settings and client credentials.",
        "应用就是租户：各有自己的令牌、设置和客户端凭据。";
    app_key: "App key", "应用标识";
    app_client_id: "Client id", "客户端 id";
    app_created: "Created", "创建时间";
    app_role: "Paths that name no app", "未指明应用的路径";
    app_is_default: "Default", "默认";
    @plural count_of_apps(count): "{count} app", "{count} apps", "{count} 个应用";
    app_navigation: "Sections of this app", "应用的各部分";
    app_tab_overview: "Overview", "概览";
    app_updated: "Changed", "最近修改";
    app_facts: "About this app", "应用信息";
    app_new: "New app", "新建应用";
    app_key_hint:
        "1 to 100 of A-Z a-z 0-9 . _ -, starting with a letter or digit. It is part of the app's paths and cannot be changed.",
        "1 到 100 个 A-Z a-z 0-9 . _ - 字符，以字母或数字开头。它是路径的一部分，不能修改。";
    app_key_wrong: "This is not a valid app key.", "应用标识的格式不对。";
    app_key_taken: "An app with this key already exists.", "已有同名应用。";
    app_admin_user: "User of the admin token", "管理令牌所属的用户";
    app_admin_user_hint: "If empty, user 1.", "留空则为用户 1。";
    app_admin_user_wrong: "This is not a valid user id.", "这不是用户 id。";
    app_create: "Create app", "创建应用";
    app_was_created(key): "The app {key} was created.", "已创建应用 {key}。";
    app_rotate: "Client secret", "客户端密钥";
    app_rotate_hint:
        "Replace the secret. The current one can stay valid for a while, until everything that uses it has the new one.",
        "用新的密钥替换。旧密钥可以保留一段时间，直到所有使用方都换成新的。";
    app_grace: "Keep the current secret valid for", "旧密钥继续有效";
    app_grace_none: "No time: it ends at once", "立即失效";
    app_rotate_do: "Replace the secret", "生成新密钥";
    app_was_rotated(key): "The client secret of {key} was replaced.", "{key} 已有新的客户端密钥。";
    app_suspend: "Suspend", "暂停";
    app_suspend_hint:
        "Refuse all of its tokens and client credentials for a while. Nothing is lost.",
        "暂时拒绝其全部令牌和客户端凭据，不会丢失任何数据。";
    app_suspend_ask: "Suspend this app", "暂停此应用";
    app_suspend_title(key): "Suspend the app {key}?", "暂停应用 {key}？";
    app_suspend_consequence:
        "All of its tokens and client credentials are refused at once, everywhere, until it is resumed.",
        "其全部令牌和客户端凭据在所有接口立即被拒绝，直到恢复为止。";
    app_was_suspended(key): "The app {key} was suspended.", "已暂停应用 {key}。";
    app_is_suspended: "Suspended", "已暂停";
    app_resume: "Resume this app", "恢复此应用";
    app_resume_hint:
        "None of its tokens and client credentials is accepted.",
        "目前不接受其任何令牌和客户端凭据。";
    app_was_resumed(key): "The app {key} was resumed.", "已恢复应用 {key}。";
    app_delete: "Delete", "删除";
    app_delete_hint: "Deletes the app and all of its tokens.", "删除应用及其全部令牌。";
    app_delete_ask: "Delete this app", "删除此应用";
    app_delete_title(key): "Delete the app {key}?", "删除应用 {key}？";
    app_delete_consequence:
        "All of its tokens are refused at once, and cannot be restored. The audit log keeps its entries.",
        "其全部令牌立即失效，且无法恢复。审计日志会保留记录。";
    app_delete_type(key): "Type {key} to confirm", "请输入 {key} 确认";
    app_delete_mistyped: "This does not match the app key.", "与应用标识不符。";
    app_was_deleted(key): "The app {key} was deleted.", "已删除应用 {key}。";
    tokens_active: "Active", "有效";
    tokens_disabled: "Disabled", "已停用";
    tokens_expired: "Expired", "已过期";
    tokens_revoked: "Revoked", "已吊销";
    uses: "Uses", "使用次数";
    last_use: "Last use", "最近使用";
    never: "never", "从未";
    no_apps: "There are no apps yet.", "还没有应用。";
}
