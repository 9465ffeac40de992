//! Texts of the front page.

super::messages! {
    overview_lead: "What needs attention, and recent activity.", "需要关注的情况和近期动态。";
    allowed_last_hour: "Allowed in the last hour", "近一小时放行";
    refused_last_hour: "Refused in the last hour", "近一小时拒绝";
    uses_last_month: "Uses in the last 30 days", "近 30 天使用次数";
    attention: "Needs attention", "需要关注";
    attention_expiring: "Expiring within 7 days", "7 天内过期";
    attention_unused: "Unused for 90 days", "90 天未使用";
    attention_eternal: "Never expiring", "永不过期";
    verdicts_title: "Verdicts per minute, last hour", "近一小时每分钟的判定";
    uses_title: "Uses per day, last 30 days", "近 30 天每天的使用次数";
    verdict_counts(allowed, refused): "{allowed} allowed, {refused} refused", "放行 {allowed}，拒绝 {refused}";
    allowed: "Allowed", "放行";
    refused: "Refused", "拒绝";
    chart_nothing: "No data yet.", "暂无数据。";
    since_start:
        "Verdicts and uses are those that this server has seen since it started.",
        "判定和使用次数为此服务器启动以来的数据。";
}
