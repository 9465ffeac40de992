//! Every kind of caller.

use crate::app::{
    Ask, DAY, HOUR, TestApp, grant, identity, lasting, on_ids, scoped, service, stand_in, user,
};
use jeton_core::{Authority, Owner, TokenId};
use serde_json::json;

/// Kinds of callers. The user of most is 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The service credential that came with the app.
    Manager,
    /// Another one, of no user.
    ManagerOfNobody,
    /// A service credential that may only ask about tokens.
    Verifier,
    /// A token that proves user 7, for good. The app lets such users grant `read`.
    Identity,
    /// The same for one day.
    IdentityForADay,
    /// A grant of `read`, for good.
    Read,
    /// The same for one day.
    ReadForADay,
    /// A grant of `read` and `write`, for good.
    ReadWrite,
    /// A grant of `read` on the resource `s1` alone.
    Narrow,
    /// A grant of nothing.
    Empty,
    /// A grant of `read` of user 8.
    ReadOfUser8,
    /// A grant of `read` with user 7 as stand-in owner.
    StandIn,
    /// A grant of `read` without an owner.
    Nobody,
    /// A disabled grant of user 7.
    Disabled,
    /// One whose time is over, since this very instant.
    Expired,
    /// One that was revoked.
    Revoked,
    /// A good grant of user 7 in another app.
    OtherApp,
    /// The manager of another app.
    OtherManager,
    /// 64 digits that were never minted.
    Garbage,
    /// A good token, but by HTTP Basic.
    Basic,
    /// The same good token twice.
    Twice,
    /// Nothing at all.
    Nothing,
}

impl Caller {
    pub(crate) const ALL: [Caller; 22] = [
        Caller::Manager,
        Caller::ManagerOfNobody,
        Caller::Verifier,
        Caller::Identity,
        Caller::IdentityForADay,
        Caller::Read,
        Caller::ReadForADay,
        Caller::ReadWrite,
        Caller::Narrow,
        Caller::Empty,
        Caller::ReadOfUser8,
        Caller::StandIn,
        Caller::Nobody,
        Caller::Disabled,
        Caller::Expired,
        Caller::Revoked,
        Caller::OtherApp,
        Caller::OtherManager,
        Caller::Garbage,
        Caller::Basic,
        Caller::Twice,
        Caller::Nothing,
    ];
}

/// A caller with its credentials ready.
pub(crate) struct Present {
    pub(crate) caller: Caller,
    authorization: Vec<String>,
}

impl Present {
    /// The request as this caller makes it.
    pub(crate) fn asks<'a>(&self, ask: Ask<'a>) -> Ask<'a> {
        self.authorization.iter().fold(ask, |ask, value| ask.header("authorization", value))
    }
}

/// `demo`, where users may grant themselves `read`, and `other`, with every caller there is.
pub(crate) async fn everybody() -> (TestApp, Vec<Present>) {
    let app = TestApp::new().await;
    app.merge(json!({"appkey": {"grantable": ["read"]}})).await;
    let other_admin = app.create_app("other").await;
    let mut all = Vec::new();
    for caller in Caller::ALL {
        let secret = secret(&app, caller, &other_admin).await;
        let authorization = match caller {
            Caller::Basic => vec![format!("Basic {secret}")],
            Caller::Twice => vec![format!("Bearer {secret}"); 2],
            Caller::Nothing => vec![],
            _ => vec![format!("Bearer {secret}")],
        };
        all.push(Present { caller, authorization });
    }
    (app, all)
}

async fn secret(app: &TestApp, caller: Caller, other_admin: &str) -> String {
    let read = || grant(user("7"), "read");
    let issue = match caller {
        Caller::Manager => return app.admin.clone(),
        Caller::OtherManager => return other_admin.to_owned(),
        Caller::Garbage => return "0123456789abcdef".repeat(4),
        Caller::Nothing => return String::new(),
        Caller::OtherApp => return app.issue_in("other", read()).await.secret,
        Caller::ManagerOfNobody => service(Owner::Nobody, "jeton:manage"),
        Caller::Verifier => service(user("7"), "jeton:verify"),
        Caller::Identity => identity(user("7")),
        Caller::IdentityForADay => lasting(DAY, identity(user("7"))),
        Caller::Read | Caller::Disabled | Caller::Revoked | Caller::Basic | Caller::Twice => read(),
        Caller::ReadForADay => lasting(DAY, read()),
        Caller::ReadWrite => grant(user("7"), "read,write"),
        Caller::Narrow => scoped(user("7"), vec![on_ids("read", &["s1"])]),
        Caller::Empty => grant(user("7"), ""),
        Caller::ReadOfUser8 => grant(user("8"), "read"),
        Caller::StandIn => grant(stand_in("7"), "read"),
        Caller::Nobody => grant(Owner::Nobody, "read"),
        Caller::Expired => lasting(0, read()),
    };
    let holder = app.issue(issue).await;
    match caller {
        Caller::Disabled => set_enabled(app, holder.id, false).await,
        Caller::Revoked => {
            let id = TokenId::new(holder.id).unwrap();
            app.service
                .revoke(&app.open("demo").await, &crate::app::EVERYTHING, id, None)
                .await
                .unwrap()
                .unwrap();
        }
        _ => {}
    }
    holder.secret
}

/// Enables or disables a token of `demo` as an operator.
pub(crate) async fn set_enabled(app: &TestApp, id: i64, enabled: bool) {
    set_enabled_by(app, &crate::app::EVERYTHING, id, enabled).await;
}

async fn set_enabled_by(app: &TestApp, authority: &Authority, id: i64, enabled: bool) {
    let edit = jeton_service::Edit { enabled: Some(enabled), ..jeton_service::Edit::default() };
    let id = TokenId::new(id).unwrap();
    app.service.update(&app.open("demo").await, authority, id, None, &edit).await.unwrap().unwrap();
}

/// What is acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `read` of user 7 for an hour.
    Read,
    /// The same, disabled by an operator.
    Disabled,
    /// `read` and `write` of user 7 for an hour.
    Wider,
    /// `read` of user 7 for good.
    Lasting,
    /// `read` of user 7 on the resource `s1` for an hour.
    Narrow,
    /// Nothing of user 7's for an hour.
    Empty,
    /// A token that proves user 7, for an hour.
    Identity,
    /// `read` for an hour with user 7 as stand-in owner.
    StandIn,
    /// `read` of user 8 for an hour.
    OfUser8,
    /// `read` without an owner for an hour.
    OfNobody,
    /// A service credential of user 7.
    Service,
}

impl Target {
    pub(crate) const ALL: [Target; 11] = [
        Target::Read,
        Target::Disabled,
        Target::Wider,
        Target::Lasting,
        Target::Narrow,
        Target::Empty,
        Target::Identity,
        Target::StandIn,
        Target::OfUser8,
        Target::OfNobody,
        Target::Service,
    ];

    /// Makes a new one of these in `demo`.
    pub(crate) async fn make(self, app: &TestApp) -> crate::app::Holder {
        let issue = match self {
            Target::Read | Target::Disabled | Target::Lasting => grant(user("7"), "read"),
            Target::Wider => grant(user("7"), "read,write"),
            Target::Narrow => scoped(user("7"), vec![on_ids("read", &["s1"])]),
            Target::Empty => grant(user("7"), ""),
            Target::Identity => identity(user("7")),
            Target::StandIn => grant(stand_in("7"), "read"),
            Target::OfUser8 => grant(user("8"), "read"),
            Target::OfNobody => grant(Owner::Nobody, "read"),
            Target::Service => service(user("7"), "jeton:verify"),
        };
        let holder = app.issue(if self == Target::Lasting { issue } else { lasting(HOUR, issue) }).await;
        if self == Target::Disabled {
            set_enabled(app, holder.id, false).await;
        }
        holder
    }
}
