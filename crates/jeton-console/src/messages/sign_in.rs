//! Texts of signing in.

super::messages! {
    sign_in: "Sign in", "登录";
    sign_in_lead:
        "This is where the tokens of your apps are looked after.",
        "在这里管理各应用的访问令牌。";
    operator_token: "Operator token", "管理员令牌";
    operator_token_hint:
        "The first run of jeton serve showed it; jeton operator create makes another.",
        "首次运行 jeton serve 时显示；也可以用 jeton operator create 新建。";
    sign_in_refused: "This is not the token of an operator.", "这不是管理员的令牌。";
    sign_in_missing: "Enter your operator token.", "请输入管理员令牌。";
    session_over:
        "You have been signed out. A session ends after 30 minutes without a request, and when its operator is revoked.",
        "会话已结束。30 分钟没有请求，或管理员被吊销，会话就会结束。";
    enter_lead:
        "This link signs you in once, as the operator who was created first.",
        "此链接可登录一次，身份为最先创建的管理员。";
    enter_do: "Sign in now", "立即登录";
    enter_otherwise: "Use a token instead", "改用令牌登录";
    link_over:
        "This link was used already, or is older than 10 minutes. Sign in with a token, or start the server again for another link.",
        "此链接已经用过，或已超过 10 分钟。请用令牌登录，或重新启动服务获取新链接。";
    signed_out: "You are signed out.", "已退出登录。";
    cookie_refused:
        "Your browser did not keep the session. Over plain http only browsers that trust loopback addresses do, such as Chromium and Firefox: use one of them, or TLS.",
        "浏览器没有保存会话。使用普通 http 时，只有信任回环地址的浏览器（如 Chromium 和 Firefox）才会保存：请换用它们，或启用 TLS。";
}
