//! Texts about the settings of an app.

super::messages! {
    settings: "Settings", "设置";
    settings_lead:
        "They hold from the next request on. What is not in the form is in the JSON: access rules, roles, named demands, routes.",
        "保存后从下一个请求起生效。访问规则、角色、命名需求和路由在 JSON 中修改。";
    settings_general: "Tokens", "令牌";
    settings_appkey: "User-token API (AppKey)", "用户令牌 API（AppKey）";
    settings_dotide: "Dotide", "Dotide 接口";
    settings_loopback: "LoopBack", "LoopBack 接口";
    settings_forward_auth: "Forward-auth", "网关鉴权（forward-auth）";
    settings_cors: "Cross-origin requests (CORS)", "跨域请求（CORS）";
    settings_save: "Save", "保存";
    settings_json: "As JSON", "JSON 形式";
    settings_document: "Settings", "设置内容";
    settings_json_hint: "What is left out stays as it is; null is the default again.", "省略的成员保持不变；null 恢复默认值。";
    settings_json_save: "Save the JSON", "保存 JSON";
    settings_saved(key): "The settings of {key} were changed.", "已修改 {key} 的设置。";
    settings_stale:
        "The app was changed in the meantime. Nothing of yours was saved: here is what holds now.",
        "应用在此期间已被修改，您的改动没有保存。以下是当前的设置。";
    settings_not_json: "This is not JSON.", "这不是 JSON。";
    settings_number: "This is no integer.", "这不是整数。";

    setting_enabled: "Switched on", "启用";
    setting_reveal: "Secrets are shown", "令牌的显示方式";
    setting_reveal_hint:
        "once: only when a token is created, and nothing is kept to show it again. From always to once cannot be undone for what is stored.",
        "once：仅在创建时显示，不保存可再次显示的内容。从 always 改为 once 后，已存内容无法恢复。";
    setting_token_prefix: "Prefix of new tokens", "新令牌的前缀";
    setting_token_prefix_hint: "1 to 10 of a-z 0-9, for secret scanners.", "1 到 10 个 a-z 0-9 字符，便于密钥扫描工具识别。";
    setting_default_ttl: "Default lifetime in seconds", "默认有效期（秒）";
    setting_default_ttl_hint: "1209600 are two weeks.", "1209600 即两周。";
    setting_max_ttl: "Longest lifetime in seconds", "最长有效期（秒）";
    setting_max_ttl_hint: "Empty: no bound.", "留空表示不限。";
    setting_outliving: "Users' tokens may outlive the one that makes them", "用户创建的令牌可以比所用令牌更晚过期";
    setting_outliving_hint: "Otherwise such a token ends with it at the latest.", "否则最晚与所用令牌同时过期。";
    setting_default_days: "Default lifetime in days", "默认有效期（天）";
    setting_default_days_hint: "1 to 3650; -1: for ever.", "1 到 3650；-1 表示永不过期。";
    setting_int64: "Large user ids are written as", "大整数用户 id 的形式";
    setting_int64_hint: "number is what published clients read.", "现有客户端读取的是 number。";
    setting_grantable: "What users may grant themselves", "用户可以自行授予的权限";
    setting_grantable_hint: "Names of permissions, one on each line.", "权限名称，每行一个。";
    setting_timezone: "Time zone", "时区";
    setting_timezone_hint: "As in Asia/Shanghai.", "如 Asia/Shanghai。";
    setting_client_ids: "Who may choose a token's id", "谁可以自选令牌 id";
    setting_client_ids_hint: "authorized: whom a rule names.", "authorized：规则中指名的调用方。";
    setting_eternal: "Tokens may be eternal", "允许永不过期的令牌";
    setting_eternal_hint: "A ttl of -1 is an expired token otherwise.", "否则 ttl 为 -1 的令牌视为已过期。";
    setting_source: "Where the original request stands", "原始请求的来源";
    setting_source_hint: "The one place that is read.", "只读取这一处。";
    setting_credentials: "Where credentials may be", "凭据可以出现的位置";
    setting_credentials_hint:
        "One on each line: bearer, x-access-token, x-api-key, basic-username, cookie:NAME.",
        "每行一个：bearer、x-access-token、x-api-key、basic-username、cookie:NAME。";
    setting_query_token: "Also in the query of the original request", "也可以出现在原始请求的查询参数中";
    setting_query_token_hint: "As access_token.", "参数名为 access_token。";
    setting_preflights: "Let CORS preflights pass", "放行 CORS 预检请求";
    setting_preflights_hint: "They have no credentials.", "预检请求不带凭据。";
    setting_realm: "Realm of challenges", "质询中的 realm";
    setting_realm_hint: "Empty: none.", "留空表示没有。";
    setting_cache: "Seconds for which a gateway may keep a 200", "网关可以缓存 200 的秒数";
    setting_cache_hint: "0: not at all, so that revoked means refused at once.", "0 表示不缓存，吊销立即生效。";
    setting_origins: "Origins of pages", "允许的来源";
    setting_origins_hint: "One on each line; * alone is all of them.", "每行一个；仅填 * 表示全部。";
    setting_cors_credentials: "With cookies and the like", "允许携带 cookie 等凭据";
}
