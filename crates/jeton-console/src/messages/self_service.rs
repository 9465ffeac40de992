//! Texts of the pages where users manage their own tokens.

super::messages! {
    self_lead:
        "Manage your own access tokens.",
        "管理您自己的访问令牌。";
    self_token: "One of your tokens", "您的一个令牌";
    self_token_hint:
        "An active token that this app issued to you. The session ends when the token does.",
        "本应用签发给您的有效令牌。令牌失效时会话随之结束。";
    self_missing: "Enter one of your tokens.", "请输入您的令牌。";
    self_refused:
        "This is not an active token of a user of this app.",
        "这不是本应用某个用户的有效令牌。";
    self_over:
        "Your session has ended: after 30 minutes without a request, after 12 hours, or because its token is no longer active.",
        "会话已结束：30 分钟没有请求、满 12 小时，或所用令牌已失效。";
    self_signed_in_as(user): "Signed in as user {user}", "当前用户：{user}";
    self_back: "Go to your tokens", "回到令牌列表";

    self_tokens: "Your tokens", "您的令牌";
    @plural self_count(count): "{count} token", "{count} tokens", "{count} 个令牌";
    self_no_tokens: "You have no tokens yet.", "您还没有令牌。";
    self_untitled(number): "Token {number}", "令牌 {number}";
    self_state: "State", "状态";
    self_this_session: "This session", "当前会话";
    self_allows: "Allows", "权限";
    self_expires: "Expires", "过期时间";
    self_no_expiry: "never", "永不过期";
    self_created: "Created", "创建时间";
    self_masked: "Token", "令牌";
    self_last_address: "From", "来源地址";

    self_new: "New token", "新建令牌";
    self_create: "Create token", "创建令牌";
    self_title: "Title", "名称";
    self_title_hint: "What the token is for.", "令牌的用途。";
    self_title_missing: "Enter a title.", "请输入名称。";
    self_tags: "Tags", "标签";
    self_description: "Description", "说明";
    self_permissions: "Permissions on everything", "对全部资源的权限";
    self_no_permissions:
        "The token that you signed in with can grant none: the new token will only be known as one of yours.",
        "您登录所用的令牌不能授予任何权限：新令牌只表明属于您。";
    self_lifetime: "Expires after", "有效期";
    self_lifetime_default: "The default of this app", "本应用的默认值";
    self_created_done(title): "The token {title} was created.", "已创建令牌 {title}。";
    self_text_wrong: "This text is too long, or has a character that cannot be stored.", "文字过长，或含有无法保存的字符。";

    self_edit: "Change the texts", "修改文字";
    self_save: "Save", "保存";
    self_saved(title): "The token {title} was changed.", "已修改令牌 {title}。";
    self_rotate: "Replace the secret", "更换令牌";
    self_rotate_hint:
        "The token stays what it is, with another secret. The current one can stay valid for a while.",
        "令牌的其他内容不变，只更换其密文。当前的可以保留一段时间。";
    self_grace: "Keep the current one valid for", "当前的继续有效";
    self_rotated(title): "The secret of {title} was replaced.", "已更换令牌 {title}。";
    self_disable: "Disable", "停用";
    self_disable_hint: "It is refused from then on, until you enable it again.", "停用后即被拒绝，直到重新启用。";
    self_disabled(title): "The token {title} was disabled.", "已停用令牌 {title}。";
    self_enable: "Enable", "启用";
    self_enable_hint: "It is accepted again.", "重新被接受。";
    self_enabled(title): "The token {title} was enabled.", "已启用令牌 {title}。";
    self_revoke: "Revoke", "吊销";
    self_revoke_ask: "Revoke this token", "吊销此令牌";
    self_revoke_title(title): "Revoke {title}?", "吊销 {title}？";
    self_revoke_consequence: "It is refused at once, and cannot be restored.", "立即失效，且无法恢复。";
    self_revoke_own:
        "You signed in with this token: it is refused at once, cannot be restored, and your session ends.",
        "您正用此令牌登录：它立即失效且无法恢复，会话也随之结束。";
    self_revoked(title): "The token {title} was revoked.", "已吊销令牌 {title}。";

    self_not_held: "You cannot grant permissions that you do not hold.", "不能授予您自己没有的权限。";
    self_outlives:
        "It would expire later than the token that you signed in with. Choose a shorter time.",
        "它会比您登录所用的令牌更晚过期，请选择较短的有效期。";
    self_policy_lifetime:
        "Tokens of this app must expire, and sooner than this. Choose a shorter time.",
        "此应用的令牌必须在更短的时间内过期，请选择较短的有效期。";
    self_policy_many:
        "You have as many tokens as this app allows. Revoke one first.",
        "您的令牌数已达到此应用的上限，请先吊销一个。";
    self_policy_permission:
        "This app does not allow tokens with these permissions.",
        "此应用不允许令牌持有这些权限。";
    self_beyond:
        "This token reaches further than the one that you signed in with, or only an administrator may change it.",
        "此令牌的权限超出您登录所用的令牌，或只能由管理员修改。";
    self_disabled_by_another:
        "An administrator disabled this token: you cannot enable it.",
        "此令牌由管理员停用，您不能启用。";
    self_bounds: "It would be valid earlier, or from other addresses, than your tokens may be.", "它的生效时间或可用地址超出您的令牌。";
    self_refused_otherwise: "You may not do this with this token.", "您不能对此令牌这样做。";
}
