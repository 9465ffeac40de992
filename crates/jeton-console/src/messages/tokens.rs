//! Texts about tokens: their table, and one of them.

super::messages! {
    tokens: "Tokens", "令牌";
    tokens_of(key): "Tokens of {key}", "{key} 的令牌";
    token_new: "New token", "新建令牌";
    token: "Token", "令牌";
    token_named(id): "Token {id}", "令牌 {id}";
    token_title: "Title", "名称";
    token_user: "User", "用户";
    token_allows: "Allows", "权限";
    token_state: "State", "状态";
    token_expires: "Expires", "过期时间";
    token_tag: "Tag", "标签";
    token_scope: "In scopes", "权限范围中的名称";
    token_use: "Use", "使用情况";
    token_made_before: "Created before", "创建时间早于";
    token_sort: "Sort", "排序";
    filter_more: "More filters and sorting", "更多筛选和排序";
    hint_title: "for example ci or ci*", "如 ci 或 ci*";
    hint_scope: "a permission, resource id or tag", "权限名、资源 id 或标签";
    wrong_number: "This app has no token of this number, or it was revoked.", "此应用没有该编号的令牌，或令牌已被吊销。";
    wrong_days: "This is not a number of days.", "这不是天数。";

    any: "Any", "全部";
    any_but_revoked: "All but revoked", "未吊销";
    never_used: "Never used", "从未使用";
    unused_for(span): "Unused for {span}", "{span}未使用";
    expires_within(span): "Within {span}", "{span}内";
    never_expires: "Never", "永不过期";
    sort_suiting: "As suits the filter", "自动";
    sort_newest: "Newest first", "最新创建";
    sort_oldest: "Oldest first", "最早创建";
    sort_ending: "Expiring next (only those that expire)", "最先过期（仅限会过期的）";
    sort_ended: "Expired last", "最近过期";
    sort_title: "By title (only those with one)", "按名称（仅限有名称的）";

    @plural count_of_tokens(count): "{count} token", "{count} tokens", "{count} 个令牌";
    no_tokens: "No matching tokens.", "没有符合条件的令牌。";
    @plural looked_at(count, found):
        "Looked at {count} token, found {found}: there may be more behind it.",
        "Looked at the next {count} tokens, found {found}: there may be more behind them.",
        "已查看接下来的 {count} 个令牌，找到 {found} 个：后面可能还有。";
    look_further: "Look further", "继续查找";
    revoke_these: "Revoke what this finds", "吊销筛选结果";

    state_active: "Active", "有效";
    state_disabled: "Disabled", "已停用";
    state_expired: "Expired", "已过期";
    state_revoked: "Revoked", "已吊销";
    kind: "Kind", "类型";
    kind_identity: "Identity: says who its user is", "身份令牌：说明用户是谁";
    kind_grant: "Grant: says what is allowed", "授权令牌：说明允许做什么";
    kind_self_made: "Self-made over LoopBack: known to LoopBack's API alone", "经 LoopBack 自建：仅 LoopBack 接口认可";
    kind_service: "Service credential: manages or verifies for the app", "服务凭据：代表应用管理或校验令牌";

    token_about: "About this token", "令牌信息";
    token_secret: "Secret", "原文";
    token_secret_gone: "not kept", "未保存";
    token_owner_none: "none", "无";
    token_stand_in: "shown, but not proven: its issuer named nobody", "仅供显示：签发者未指定用户";
    token_created: "Created", "创建时间";
    token_changed: "Changed", "最近修改";
    token_parent: "Made by", "由此令牌创建";
    token_not_before: "Valid from", "生效时间";
    token_addresses: "Allowed addresses", "允许的地址";
    token_uses_left: "Uses left", "剩余次数";
    token_uses_left_of(left, given): "{left} of {given}", "{left}（共 {given} 次）";
    token_uses_left_hint: "without those that other servers keep in reserve", "不含其他服务器预留的次数";
    token_rates: "Rates", "使用频率";
    @plural token_rate(count, span): "{count} use in {span}", "{count} uses in {span}", "{span}内 {count} 次";
    token_limited_above: "Its uses count for, too", "使用次数同时计入";
    token_tags: "Tags", "标签";
    token_description: "Description", "说明";
    token_disabled_by(actor): "disabled by {actor}", "停用者：{actor}";
    used_from(address): "from {address}", "来自 {address}";
    use_is_late:
        "Uses are written every few seconds; those of this server are all counted here.",
        "使用记录每几秒写入一次；本服务器上的使用已全部计入。";
    token_scopes: "What it may do", "可以做什么";
    allows_nothing_identity: "says who its user is, and allows nothing by itself", "说明用户是谁，本身不允许任何操作";
    allows_nothing: "allows nothing: it has no scopes", "不允许任何操作：没有权限范围";
    scope_global(names): "may {names} everything", "可以对所有资源执行 {names}";
    scope_narrow(names, what): "may {names} what has {what}", "可以对{what}执行 {names}";
    scope_id(id): "the id {id}", " id 为 {id} 的资源";
    scope_ids(ids): "one of the ids {ids}", " id 为 {ids} 的资源";
    scope_tag(tag): "the tag {tag}", "带有标签 {tag} 的资源";
    scope_tags(tags): "all of the tags {tags}", "同时带有标签 {tags} 的资源";
    scope_or(ids, tags): "{ids} or {tags}", "{ids}或{tags}";
    scope_of_nothing(names): "may {names} nothing: it names neither ids nor tags", "不能对任何资源执行 {names}：没有列出 id 或标签";
    scope_without_permissions: "allows nothing: it names no permission", "不允许任何操作：没有列出权限";
    list_and(before, last): "{before} and {last}", "{before} 和 {last}";
    list_or(before, last): "{before} or {last}", "{before} 或 {last}";
    list_more(shown, count): "{shown} and {count} more", "{shown} 以及另外 {count} 个";
    scopes_more(first, count): "{first}, and {count} more", "{first}，另有 {count} 项";

    token_history: "History", "历史";
    token_history_more: "Look further back in the audit log", "在审计日志中查看更早的记录";
    token_history_none: "Nothing among the latest entries of the audit log.", "审计日志最近的记录中没有。";

    tester: "Would it be allowed?", "会被允许吗？";
    tester_lead:
        "Asks what verification would answer now, but for limits on uses. Nothing is counted as a use.",
        "查询此刻的校验结果（不考虑使用限制），不计为一次使用。";
    tester_permission: "Permission", "权限";
    tester_permission_hint: "such as write; empty: whether it is active", "如 write；留空则只看令牌是否有效";
    tester_id: "Resource id", "资源 id";
    tester_tags: "Resource tags", "资源标签";
    tester_tags_hint: "with commas between", "用逗号分隔";
    tester_address: "Client's address", "客户端地址";
    tester_address_hint: "from where it is used, such as 192.0.2.7", "从何处使用，如 192.0.2.7";
    tester_address_wrong: "This is no IP address.", "这不是 IP 地址。";
    tester_ask: "Ask", "查询";
    tester_resource_alone: "A resource needs a permission.", "指定资源时必须指定权限。";
    verdict_allowed: "Allowed", "允许";
    verdict_refused: "Refused", "拒绝";
    verdict_active: "The token is active, and nothing more was asked.", "令牌有效，且没有更多要求。";
    verdict_by_scope(scope): "Because the token {scope}.", "因为令牌{scope}。";
    verdict_no_scope: "The token is active, but none of its scopes covers this:", "令牌有效，但没有任何权限范围涵盖此请求：";
    verdict_rate_limited:
        "The token was used as often as it may be in a time, and can be used again soon.",
        "令牌在规定时间内的使用次数已满，稍后可以再次使用。";
    verdict_without_scopes: "The token is active, but has no scopes.", "令牌有效，但没有权限范围。";
    verdict_above(id, reason): "Because of token {id}, which is above this one. {reason}", "因为上级令牌 {id}：{reason}";
    lack_permission(permission): "does not hold {permission}", "不包含 {permission}";
    lack_global: "is for single resources, and none was named", "只针对特定资源，而请求没有指明资源";
    lack_resource: "covers neither this id nor these tags", "不涵盖此 id，也不涵盖这些标签";
    inactive_expired: "The token has expired.", "令牌已过期。";
    inactive_disabled: "The token is disabled.", "令牌已停用。";
    inactive_suspended: "The app is suspended.", "应用已暂停。";
    inactive_not_yet_valid: "The token is not valid yet.", "令牌尚未生效。";
    inactive_address_unknown:
        "The token may be used from some addresses only, and none was named.",
        "令牌只能从部分地址使用，而请求没有给出地址。";
    inactive_address_unknown_app:
        "The app's tokens may be used from some addresses only, and none was named.",
        "应用的令牌只能从部分地址使用，而请求没有给出地址。";
    inactive_address_not_allowed: "The token may not be used from this address.", "令牌不能从此地址使用。";
    inactive_address_not_allowed_app:
        "The app's tokens may not be used from this address.",
        "应用的令牌不能从此地址使用。";
    inactive_revoked: "The token was revoked.", "令牌已被吊销。";
    inactive_uses_exhausted: "The token has no uses left.", "令牌的使用次数已用完。";
    inactive_unknown:
        "Verification does not know it: service credentials, and tokens that LoopBack's API alone accepts, are unknown there.",
        "校验接口不认识它：服务凭据以及仅 LoopBack 接口认可的令牌，在校验时视为未知。";
}
