//! Texts about the settings of an app.

super::messages! {
    settings: "Settings", "设置";
    settings_lead:
        "Changes apply from the next request on. Access rules, roles, named demands and routes are in the JSON only.",
        "保存后从下一个请求起生效。访问规则、角色、命名需求和路由在 JSON 中修改。";
    settings_general: "Tokens", "令牌";
    settings_appkey: "User-token API (AppKey)", "用户令牌 API（AppKey）";
    settings_dotide: "Dotide", "Dotide 接口";
    settings_loopback: "LoopBack", "LoopBack 接口";
    settings_forward_auth: "Forward-auth", "网关鉴权（forward-auth）";
    settings_cors: "Cross-origin requests (CORS)", "跨域请求（CORS）";
    settings_rotation: "Rotation", "令牌轮换";
    settings_policies: "Policies", "策略";
    settings_self_service: "Self-service pages", "自助页面";
    settings_save: "Save", "保存";
    settings_json: "As JSON", "JSON 形式";
    settings_document: "Settings", "设置内容";
    settings_json_hint: "Members that are left out stay as they are; null restores the default.", "省略的成员保持不变；null 恢复默认值。";
    settings_json_save: "Save the JSON", "保存 JSON";
    settings_saved(key): "The settings of {key} were changed.", "已修改 {key} 的设置。";
    settings_stale:
        "The app was changed in the meantime, and your changes were not saved. These are the current settings.",
        "应用在此期间已被修改，您的改动没有保存。以下是当前的设置。";
    settings_not_json: "This is not valid JSON:", "JSON 格式不对：";
    settings_not_saved(error): "Nothing was saved: {error}.", "没有保存：{error}";
    settings_wanted(wanted): "This {wanted}.", "不符合要求：{wanted}";
    settings_number: "This is not an integer.", "这不是整数。";

    setting_enabled: "Enabled", "启用";
    setting_on_reuse: "When an old secret is presented after its grace", "旧令牌在宽限期后再次出现时";
    setting_on_reuse_hint:
        "report: the audit log tells it. revoke-lineage: the token is revoked as well.",
        "report：记入审计日志。revoke-lineage：同时吊销该令牌。";
    setting_max_lifetime_operator: "Longest lifetime that operators may give, in seconds", "运维人员可给的最长有效期（秒）";
    setting_max_lifetime_manager: "Longest lifetime that the app's servers may give, in seconds", "应用服务端可给的最长有效期（秒）";
    setting_max_lifetime_user: "Longest lifetime that users may give, in seconds", "用户可给的最长有效期（秒）";
    setting_max_lifetime_hint: "Empty: no limit of its own. A longer one is refused.", "留空表示没有单独限制；更长的会被拒绝。";
    setting_require_expiry: "Every token must expire", "令牌必须有过期时间";
    setting_forbidden: "Permissions that no token may have", "任何令牌都不得持有的权限";
    setting_require_prefix: "Every token must begin with the prefix", "令牌必须以上述前缀开头";
    setting_require_prefix_hint: "Also imported ones, and ids that LoopBack's clients choose.", "包括导入的令牌和 LoopBack 客户端自选的 id。";
    setting_max_per_user: "Live tokens of each user, at most", "每个用户的有效令牌数上限";
    setting_self_service_hint:
        "Users manage their own tokens at /self-service/ and the app key, on the public address.",
        "用户可以在公开地址的 /self-service/ 加应用标识处管理自己的令牌。";
    setting_reveal: "Show tokens' secrets", "令牌的显示方式";
    setting_reveal_hint:
        "once: only when a token is created. Changing from always to once destroys the stored secrets, which cannot be undone.",
        "once：仅在创建令牌时显示。从 always 改为 once 会销毁已保存的令牌原文，无法恢复。";
    setting_token_prefix: "Prefix of new tokens", "新令牌的前缀";
    setting_token_prefix_hint: "1 to 10 of a-z 0-9, for secret scanners.", "1 到 10 个 a-z 0-9 字符，便于密钥扫描工具识别。";
    setting_default_ttl: "Default lifetime in seconds", "默认有效期（秒）";
    setting_default_ttl_hint: "1209600 is two weeks.", "1209600 即两周。";
    setting_max_ttl: "Longest lifetime in seconds", "最长有效期（秒）";
    setting_max_ttl_hint: "Empty: no limit.", "留空表示不限。";
    setting_outliving: "Users' tokens may outlive the token that created them", "用户创建的令牌可以比所用令牌更晚过期";
    setting_outliving_hint: "Otherwise they expire with it at the latest.", "否则最晚与所用令牌同时过期。";
    setting_allowed_addresses: "Tokens may be used only from", "令牌只能在这些地址使用";
    setting_allowed_addresses_hint:
        "One address or CIDR block per line, such as 192.0.2.0/24 or 2001:db8::/32. Empty: anywhere.",
        "每行一个地址或 CIDR 网段，如 192.0.2.0/24 或 2001:db8::/32。留空表示不限。";
    setting_delegation_depth: "Levels of tokens that tokens may create", "令牌可以逐级创建的层数";
    setting_delegation_depth_hint: "0 to 8, by tokens that hold delegate. 0: none.", "0 到 8，须持有 delegate 权限。0 表示不允许。";
    setting_default_days: "Default lifetime in days", "默认有效期（天）";
    setting_default_days_hint: "1 to 3650; -1 never expires.", "1 到 3650；-1 表示永不过期。";
    setting_int64: "Large user ids are written as", "大整数用户 id 的形式";
    setting_int64_hint: "Published clients read number.", "现有客户端读取的是 number。";
    setting_grantable: "Permissions that users may grant", "用户可以自行授予的权限";
    setting_grantable_hint: "One name per line.", "权限名称，每行一个。";
    setting_timezone: "Time zone", "时区";
    setting_timezone_hint: "For example Asia/Shanghai.", "如 Asia/Shanghai。";
    setting_client_ids: "Who may choose a token's id", "谁可以自选令牌 id";
    setting_client_ids_hint: "authorized: callers that an access rule names.", "authorized：规则中指名的调用方。";
    setting_eternal: "Allow tokens that never expire", "允许永不过期的令牌";
    setting_eternal_hint: "Otherwise a ttl of -1 counts as expired.", "否则 ttl 为 -1 的令牌视为已过期。";
    setting_source: "Source of the original request", "原始请求的来源";
    setting_source_hint: "Only this source is read.", "只读取这一处。";
    setting_credentials: "Where credentials are accepted", "凭据可以出现的位置";
    setting_credentials_hint:
        "One per line: bearer, x-access-token, x-api-key, basic-username, cookie:NAME.",
        "每行一个：bearer、x-access-token、x-api-key、basic-username、cookie:NAME。";
    setting_query_token: "Also accept them in the original query", "也可以出现在原始请求的查询参数中";
    setting_query_token_hint: "As access_token.", "参数名为 access_token。";
    setting_preflights: "Allow CORS preflights", "放行 CORS 预检请求";
    setting_preflights_hint: "Preflights carry no credentials.", "预检请求不带凭据。";
    setting_realm: "Realm of challenges", "质询中的 realm";
    setting_realm_hint: "Empty: no realm.", "留空表示没有。";
    setting_cache: "Seconds that a gateway may cache a 200", "网关可以缓存 200 的秒数";
    setting_cache_hint: "0: never, so that revoked means refused at once.", "0 表示不缓存，吊销立即生效。";
    setting_over_limit: "Status for tokens that were used as often as they may be", "令牌超出使用限制时的状态码";
    setting_over_limit_hint:
        "429, or 403 for gateways that cannot pass 429: nginx makes 500 of it.",
        "429；如果网关无法传递 429（nginx 会改成 500），请选 403。";
    setting_origins: "Allowed origins", "允许的来源";
    setting_origins_hint: "One per line; a single * allows any.", "每行一个；仅填 * 表示全部。";
    setting_cors_credentials: "Allow credentials such as cookies", "允许携带 cookie 等凭据";
}
