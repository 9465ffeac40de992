//! Texts about operators.

super::messages! {
    operators_lead:
        "Operators can manage every app. Revoking an operator ends its sessions at once.",
        "管理员可以管理所有应用。管理员被吊销后，其会话立即结束。";
    operator_name: "Name", "名称";
    operator_since: "Created", "创建时间";
    operator_is_you: "You", "当前用户";
    operator_actions: "Actions", "操作";
    operator_new: "New operator", "新建管理员";
    operator_name_hint:
        "Identifies the operator to others. The token is shown once.",
        "便于其他人辨认。令牌仅显示一次。";
    operator_create: "Create operator", "创建管理员";
    operator_created(name): "The operator {name} was created.", "已创建管理员 {name}。";
    operator_revoke: "Revoke", "吊销";
    operator_revoke_title(name): "Revoke the operator {name}?", "吊销管理员 {name}？";
    operator_revoke_consequence:
        "Its token is refused at once, and its sessions end. This cannot be undone.",
        "其令牌立即失效，会话也随之结束。此操作无法撤销。";
    operator_revoke_self:
        "This is you: you will be signed out at once. If there is no other operator, a new one can only be made by jeton operator create, on the machine that holds the data.",
        "这是您自己：吊销后将立即退出。如果没有其他管理员，只能在数据所在的机器上用 jeton operator create 新建。";
    operator_revoked(name): "The operator {name} was revoked.", "已吊销管理员 {name}。";
    operator_name_missing: "Enter a name.", "请输入名称。";
    operator_exists: "An operator has this name already.", "已有同名的操作员。";
    text_too_long: "At most 255 characters, without NUL.", "最多 255 个字符，不能含 NUL。";
}
