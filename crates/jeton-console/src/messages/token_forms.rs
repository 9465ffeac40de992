//! Texts about making, changing and revoking tokens.

super::messages! {
    token_create: "Create token", "创建令牌";
    token_edit: "Edit", "编辑";
    token_edit_title(id): "Edit token {id}", "编辑令牌 {id}";
    token_save: "Save", "保存";
    token_made(id): "Token {id} was created.", "已创建令牌 {id}。";
    token_saved(id): "Token {id} was changed.", "已修改令牌 {id}。";
    token_unchanged(id): "Token {id} is as it was.", "令牌 {id} 没有变化。";
    token_stale:
        "The token was changed in the meantime, and your changes were not saved. This is how it is now.",
        "令牌在此期间已被修改，您的改动没有保存。以下是当前的内容。";
    token_user_hint: "Empty: nobody's.", "留空表示不属于任何用户。";
    token_title_hint: "What people call it.", "便于辨认的名称。";
    token_tags_hint: "For finding it: free text, with commas between.", "便于查找：任意文字，用逗号分隔。";
    token_permissions: "On every resource", "对所有资源";
    token_permissions_hint:
        "With no permission and no scope, the token says who its user is and allows nothing by itself.",
        "既没有权限也没有权限范围的令牌只说明用户是谁，本身不允许任何操作。";
    token_other_permissions: "Other permissions", "其他权限";
    token_other_permissions_hint:
        "Names with commas between. jeton:verify or jeton:manage alone make a service credential.",
        "名称之间用逗号分隔。仅有 jeton:verify 或 jeton:manage 的是服务凭据。";
    token_scope_number(number): "Scope {number}: on some resources", "权限范围 {number}：对部分资源";
    token_scope_ids: "With one of these ids", "id 为其中之一";
    token_scope_tags: "Or with all of these tags", "或同时带有这些标签";
    token_one_a_line: "One per line.", "每行一个。";
    token_scope_add: "Add a scope", "添加权限范围";
    token_scope_drop: "To remove a scope, clear its permissions, ids and tags.", "要删除权限范围，请清空其权限、id 和标签。";
    token_scopes_fixed:
        "This token has more scopes than this form can hold. They stay as they are; the admin API changes them.",
        "此令牌的权限范围超出表单容量，将保持不变；可用管理 API 修改。";
    token_lifetime: "Expires", "过期时间";
    token_lifetime_default: "As the app decides", "由应用决定";
    token_lifetime_keep: "As it is now", "保持不变";
    token_lifetime_in(span): "In {span}", "{span}后";
    token_lifetime_until: "At the time below", "在下面的时间";
    token_expires_at: "At", "时间";
    token_expires_at_hint:
        "As in 2026-11-21 or 2026-11-21T08:00:00Z. The app may set an earlier end.",
        "如 2026-11-21 或 2026-11-21T08:00:00Z。应用可能规定更早的时间。";
    token_expires_at_wrong: "This is neither a date nor a time with an offset.", "这不是日期，也不是带时区的时间。";
    token_expires_at_unmeant: "Choose the time below above, or clear this.", "请在上面选择“在下面的时间”，或清空此项。";
    token_expires_at_past: "This lies in the past. To end a token now, disable or revoke it.", "这个时间已过。要立即结束，请停用或吊销令牌。";
    token_not_before_hint: "Empty: at once. As in 2026-11-21 or 2026-11-21T08:00:00Z.", "留空则立即生效。如 2026-11-21 或 2026-11-21T08:00:00Z。";
    token_addresses_hint:
        "From where it may be used: addresses and CIDR blocks such as 192.0.2.0/24 or 2001:db8::/32, one per line. Empty: from anywhere.",
        "可以从何处使用：地址或 CIDR 网段，如 192.0.2.0/24 或 2001:db8::/32，每行一个。留空则不限。";
    token_addresses_wrong: "At most 64 addresses and CIDR blocks, each block by its first address.", "最多 64 个地址或 CIDR 网段，网段须以其首地址书写。";
    token_limits: "Limits on its uses", "使用限制";
    token_limits_hint:
        "For tokens that grant permissions. Each request that it is allowed counts as a use; refused ones do not.",
        "适用于授权令牌。每个被允许的请求计为一次使用，被拒绝的不计。";
    token_uses_field: "Number of uses", "使用次数";
    token_uses_hint: "How often it may be used, and no more. Empty: any number of times.", "一共可以使用多少次。留空表示不限。";
    token_uses_change_hint:
        "How often it may be used from now on. Left as it is, the count goes on. Empty: any number of times.",
        "从现在起还可以使用多少次。不改动则继续原来的计数。留空表示不限。";
    token_uses_wrong: "A whole number from 0 to 1,000,000,000,000.", "须为 0 到 1000000000000 的整数。";
    token_rates_hint:
        "One per line, uses and seconds: 100/60 is 100 uses in 60 seconds. Empty: as often as anybody likes.",
        "每行一个，格式为 次数/秒数：100/60 表示 60 秒内 100 次。留空表示不限。";
    token_rates_wrong:
        "At most 4 rates such as 100/60: 1 to 1,000,000 uses in 1 to 2,592,000 seconds, each period once.",
        "最多 4 个，形如 100/60：1 到 2592000 秒内 1 到 1000000 次，时长不能重复。";
    token_no_limits: "Only tokens that grant permissions have limits on their uses.", "只有授权令牌可以设置使用限制。";
    token_never_begins: "It would expire before it is valid.", "令牌会在生效前过期。";
    wrong_permission:
        "A permission is a name of at most 255 characters without spaces or semicolons. Commas separate names.",
        "权限是最多 255 个字符的名称，不含空格和分号。多个名称用逗号分隔。";
    wrong_many_scopes(most): "A token has at most {most} scopes.", "令牌最多有 {most} 个权限范围。";
    wrong_many_names(most): "A scope has at most {most} permissions, {most} ids and {most} tags.", "每个权限范围最多有 {most} 个权限、{most} 个 id 和 {most} 个标签。";
    wrong_name_length(most): "A permission, an id or a tag has 1 to {most} characters.", "权限、id 和标签为 1 到 {most} 个字符。";
    wrong_description: "At most 4,096 characters, without NUL.", "最多 4096 个字符，不能含 NUL。";
    wrong_reserved:
        "Permissions that begin with jeton: stand alone: a service credential holds jeton:manage or jeton:verify on every resource, and nothing else.",
        "以 jeton: 开头的权限不能与其他权限并用：服务凭据仅持有对所有资源的 jeton:manage 或 jeton:verify。";
    wrong_policy(policy): "This goes against a policy of the app: {policy}.", "这不符合应用的策略：{policy}。";
    wrong_identity: "An identity token holds no permissions.", "身份令牌不能有权限。";
    wrong_token: "No token can be like that.", "令牌不能是这样的。";

    token_disable: "Disable", "停用";
    token_enable: "Enable", "启用";
    token_disable_title(id): "Disable token {id}?", "停用令牌 {id}？";
    token_disable_consequence:
        "It is refused at once, on this server and within moments on all others, until it is enabled again.",
        "令牌在本服务器上立即失效，在其他服务器上片刻后失效，直到重新启用。";
    token_was_disabled(id): "Token {id} was disabled.", "已停用令牌 {id}。";
    token_was_enabled(id): "Token {id} was enabled.", "已启用令牌 {id}。";
    token_rotate: "Secret", "令牌密文";
    token_rotate_hint:
        "Replace the secret. Everything else about the token stays as it is, and the current secret can stay valid for a while.",
        "更换令牌的密文，其他内容不变；当前的密文可以保留一段时间。";
    token_rotate_do: "Replace the secret", "更换密文";
    token_was_rotated(id): "The secret of token {id} was replaced.", "已更换令牌 {id} 的密文。";
    token_revoke: "Revoke", "吊销";
    token_revoke_title(id): "Revoke token {id}?", "吊销令牌 {id}？";
    token_revoke_consequence:
        "It is refused at once, on this server and within moments on all others. This cannot be undone.",
        "令牌在本服务器上立即失效，在其他服务器上片刻后失效。此操作无法撤销。";
    token_was_revoked(id): "Token {id} was revoked.", "已吊销令牌 {id}。";

    bulk_title: "Revoke several tokens", "批量吊销";
    bulk_lead:
        "Say which. You see how many that are before anything is done.",
        "先选择范围，查看数量后再执行。";
    bulk_count: "Count them", "统计数量";
    bulk_empty: "Name at least one condition.", "请至少填写一个条件。";
    bulk_none: "No token matches: there is nothing to revoke.", "没有符合条件的令牌，无需吊销。";
    @plural bulk_ask(count): "Revoke {count} token?", "Revoke {count} tokens?", "吊销 {count} 个令牌？";
    bulk_consequence:
        "All that match when this is confirmed are refused at once, service credentials included. This cannot be undone.",
        "确认时符合条件的令牌全部立即失效，包括服务凭据。此操作无法撤销。";
    bulk_type(count): "Type {count} to confirm", "请输入 {count} 确认";
    bulk_mistyped: "This does not match the number.", "与数量不符。";
    bulk_moved(before, now):
        "Nothing was revoked: {before} matched before, {now} do now. Confirm the new number.",
        "没有执行：之前有 {before} 个，现在有 {now} 个。请确认新的数量。";
    bulk_do: "Revoke them", "全部吊销";
    bulk_show: "Show them", "查看这些令牌";
    bulk_conditions: "Conditions", "条件";
    @plural bulk_done(count): "{count} token was revoked.", "{count} tokens were revoked.", "已吊销 {count} 个令牌。";
    @plural bulk_done_of(count, counted):
        "{count} token was revoked, where {counted} were counted: others came or went in the meantime.",
        "{count} tokens were revoked, where {counted} were counted: others came or went in the meantime.",
        "已吊销 {count} 个令牌，此前统计为 {counted} 个：期间有令牌新增或减少。";
}
