//! Texts of the front page.

super::messages! {
    overview_lead: "What this server knows now.", "此服务器当前的情况。";
}
