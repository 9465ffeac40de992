//! Texts about apps.

super::messages! {
    apps_lead:
        "An app is a tenant: it has tokens, settings and client credentials of its own.",
        "应用就是租户：各有自己的令牌、设置和客户端凭据。";
    app_key: "App key", "应用标识";
    app_client_id: "Client id", "客户端 id";
    app_created: "Created", "创建时间";
    app_is_default: "Default", "默认";
    @plural count_of_apps(count): "{count} app", "{count} apps", "{count} 个应用";
    app_navigation: "Sections of this app", "应用的各部分";
    app_tab_overview: "Overview", "概览";
    app_updated: "Changed", "最近修改";
    no_apps: "There are no apps yet.", "还没有应用。";
}
