//! Texts of all pages.

super::messages! {
    product: "Jeton", "Jeton";
    console: "Console", "控制台";
    title_of(page): "{page} · Jeton", "{page} · Jeton";
    skip_to_content: "Skip to content", "跳到正文";
    main_navigation: "Main", "主导航";
    nav_overview: "Overview", "概览";
    nav_apps: "Apps", "应用";
    nav_operators: "Operators", "管理员";
    signed_in_as(name): "Signed in as {name}", "当前管理员：{name}";
    sign_out: "Sign out", "退出登录";

    just_done: "Done", "完成";
    right_now: "just now", "刚刚";
    @plural seconds(count): "{count} second", "{count} seconds", "{count} 秒";
    @plural minutes(count): "{count} minute", "{count} minutes", "{count} 分钟";
    @plural hours(count): "{count} hour", "{count} hours", "{count} 小时";
    @plural days(count): "{count} day", "{count} days", "{count} 天";
    ago(span): "{span} ago", "{span}前";
    from_now(span): "in {span}", "{span}后";

    at_least(count): "at least {count}", "至少 {count}";
    at_most(count): "at most {count}", "至多 {count}";
    not_counted: "not counted", "未统计";

    optional: "optional", "可选";
    cancel: "Cancel", "取消";
    copy: "Copy", "复制";
    copied: "Copied", "已复制";
    shown_once: "Shown once", "仅显示一次";
    shown_once_hint:
        "Copy it now: only a digest is stored, so it cannot be shown again.",
        "请立即保存：系统只存摘要，之后谁也无法再次显示。";
    client_secret: "Client secret", "客户端密钥";
    admin_token: "Admin token", "管理令牌";
    access_token: "Access token", "访问令牌";
    filter: "Filter", "筛选";
    clear_filter: "Clear", "清除";
    first_page: "First page", "第一页";
    next_page: "Next page", "下一页";
    pages_of_list: "Pages", "分页";

    error_not_found: "Page not found", "页面不存在";
    error_not_found_hint:
        "It does not exist, or what it showed is gone.",
        "没有这个页面，或者其中的对象已被删除。";
    error_forged: "This form did not come from the console", "表单不是从本站提交的";
    error_forged_hint:
        "Nothing was done. The form may be older than your session: open the page again and resubmit it.",
        "什么都没有执行。表单可能早于当前会话：请重新打开页面再提交一次。";
    error_misdirected: "Wrong address for the console", "控制台地址不正确";
    error_misdirected_hint:
        "Without TLS, the console answers only at an IP address or localhost, since any site can point a name of its own here.",
        "没有 TLS 时，控制台只应答 IP 地址或 localhost，因为任何网站都能让自己的域名指向这里。";
    error_request: "The request was not understood", "请求无法理解";
    error_request_hint: "Nothing was done.", "什么都没有执行。";
    error_method: "This page does not support that request", "此页面不支持这种请求";
    error_too_large: "The request is too large", "提交的内容过大";
    error_too_often: "Too many failed attempts", "失败次数过多";
    error_too_often_hint(seconds):
        "Too many wrong tokens came from this address. Try again in {seconds} seconds.",
        "此地址提交了太多错误的令牌，请在 {seconds} 秒后重试。";
    error_unavailable: "The service is unavailable", "服务暂时无法应答";
    error_unavailable_hint:
        "Try again in a moment. The audit log shows whether a change was made.",
        "请稍后再试。改动是否已经执行，可以在审计日志中查看。";
    back_to_overview: "Go to the overview", "回到概览";
}
