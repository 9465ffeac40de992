//! Texts of signing in.

super::messages! {
    sign_in: "Sign in", "登录";
    sign_in_lead:
        "Manage the access tokens of your apps.",
        "管理各应用的访问令牌。";
    operator_token: "Operator token", "管理员令牌";
    operator_token_hint:
        "Shown by the first run of jeton serve; jeton operator create makes another one.",
        "首次运行 jeton serve 时显示；也可以用 jeton operator create 新建。";
    sign_in_refused: "This is not an operator's token.", "这不是管理员的令牌。";
    sign_in_missing: "Enter your operator token.", "请输入管理员令牌。";
    session_over:
        "Your session has ended: after 30 minutes without a request, after 12 hours, or because its operator was revoked.",
        "会话已结束：30 分钟没有请求、满 12 小时，或管理员被吊销。";
    enter_lead:
        "This link signs you in once, as the first operator.",
        "此链接可登录一次，身份为最先创建的管理员。";
    enter_do: "Sign in now", "立即登录";
    enter_otherwise: "Use a token instead", "改用令牌登录";
    link_over:
        "This link was already used, or is older than 10 minutes. Sign in with a token, or restart the server to get another link.",
        "此链接已经用过，或已超过 10 分钟。请用令牌登录，或重新启动服务获取新链接。";
    signed_out: "You have signed out.", "已退出登录。";
    cookie_refused:
        "Your browser did not keep the session cookie. Over plain http, only browsers that trust loopback addresses do, such as Chromium and Firefox: use one of those, or TLS.",
        "浏览器没有保存会话。使用普通 http 时，只有信任回环地址的浏览器（如 Chromium 和 Firefox）才会保存：请换用它们，或启用 TLS。";
}
