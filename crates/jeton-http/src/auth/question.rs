//! The questions of gateways.

use super::ROUTE;
use super::answer::Answer;
use super::credential;
use super::original_request::{self, OriginalRequest};
use crate::server::Headers;
use crate::transport::credentials::Presented;
use crate::transport::fault::Fault;
use crate::transport::members::unknown_parameter;
use crate::transport::url::pairs;
use axum::http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use jeton_core::{
    AppKey, BY_ROUTE, Demand, ForwardAuthSettings, InactiveReason, Permission, Resource, Secret,
    ServicePermission, Verdict,
};
use jeton_service::{Error, ForwardAuthApp, Missed, Service, Verified};
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use std::sync::LazyLock;

/// The app whose token is presented, and where the demand is.
#[derive(Clone, Debug)]
pub(super) struct Target<'a> {
    pub(super) app: AppKey,
    demanded: Demanded<'a>,
    query: &'a str,
}

/// Where the demand is.
#[derive(Clone, Copy, Debug)]
enum Demanded<'a> {
    /// In the query of the question.
    InQuery,
    /// In the settings under this name. The rest of the path has no meaning.
    Named { name: &'a str, rest: &'a str },
    /// In the rule that matches the original request.
    OfRoute { rest: &'a str },
}

/// A question as it arrived.
#[derive(Debug)]
pub(super) struct Asked<'a, H> {
    pub(super) target: Target<'a>,
    pub(super) method: &'a str,
    pub(super) headers: &'a H,
}

/// A parsed question.
#[derive(Debug)]
pub(super) struct Question {
    app: ForwardAuthApp,
    key: AppKey,
    secret: Secret,
    demand: Result<Demand, BadDemand>,
}

/// Why nothing valid is demanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadDemand {
    /// The settings have no such demand, or none for this request.
    Unset,
    /// The query has a parameter of this name, which means nothing.
    Unknown(Box<str>),
    /// This parameter occurs twice.
    Twice(&'static str),
    /// A parameter has no value, or one that is not text.
    Empty,
    /// The permission is not the name of one.
    Permission,
    /// A resource is named without a permission.
    Resource,
}

/// The parameters of a demand.
const PARAMETERS: &[&str] = &["permission", "id", "tag"];

impl BadDemand {
    /// What whoever wrote the query has to know; `None`: it is not in the query. For a quoted string of a header: without quotes
    /// and backslashes.
    pub(super) fn description(&self) -> Option<String> {
        match self {
            BadDemand::Unset => None,
            BadDemand::Unknown(name) => Some(unknown_parameter(name, PARAMETERS)),
            BadDemand::Twice(name) => Some(format!("the parameter {name} occurs more than once")),
            BadDemand::Empty => Some("a parameter has no value".to_owned()),
            BadDemand::Permission => Some("permission is not the name of a permission".to_owned()),
            BadDemand::Resource => Some("id and tag need a permission".to_owned()),
        }
    }
}

impl<'a> Target<'a> {
    /// `None`: the path names no app.
    pub(super) fn read(path: &'a str, query: &'a str) -> Option<Self> {
        let rest = path.strip_prefix("/auth/")?;
        let (app, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let app = if app.contains('%') {
            percent_decode_str(app).decode_utf8().ok()?.parse().ok()?
        } else {
            app.parse().ok()?
        };
        let name = rest.split('/').next().unwrap_or_default();
        let behind = rest.get(name.len()..).unwrap_or_default();
        let demanded = match name {
            "" if rest.is_empty() => Demanded::InQuery,
            BY_ROUTE => Demanded::OfRoute { rest: behind },
            name => Demanded::Named { name, rest: behind },
        };
        Some(Target { app, demanded, query })
    }

    /// The rest of the path after the part that selects the demand, and the query, unless it is the gateway's
    /// own.
    fn rest(&self) -> (&'a str, &'a str) {
        match self.demanded {
            Demanded::InQuery => ("", ""),
            Demanded::Named { rest, .. } | Demanded::OfRoute { rest } => (rest, self.query),
        }
    }

    fn demand(
        &self,
        settings: &ForwardAuthSettings,
        original: OriginalRequest<'_>,
    ) -> Result<Demand, BadDemand> {
        let found = match self.demanded {
            Demanded::InQuery => return demand(self.query),
            Demanded::Named { name, .. } => settings.demand_named(name).cloned(),
            Demanded::OfRoute { .. } => original
                .method
                .zip(original.target)
                .and_then(|(method, (path, _))| settings.demand_of(method, path)),
        };
        found.ok_or(BadDemand::Unset)
    }
}

impl<H: Headers> Asked<'_, H> {
    /// The answer.
    pub(super) async fn answer(self, service: &Service, from: Option<IpAddr>) -> Answer {
        let app = match service.forward_auth_app_from_memory(&self.target.app) {
            Some(app) => app,
            None => match self.look_up_app(service, from).await {
                Ok(app) => app,
                Err(error) => return Answer::unavailable(error),
            },
        };
        match self.question(app) {
            Err(answer) => answer,
            Ok(question) => match question.recall(service, from) {
                Ok(verified) => question.answered(service, Ok(verified)),
                Err(missed) => question.answer_missed(service, missed, from).await,
            },
        }
    }

    /// The app as the store has it. Clients without any possible token may look up only a limited number of
    /// unknown apps.
    async fn look_up_app(&self, service: &Service, from: Option<IpAddr>) -> Result<ForwardAuthApp, Error> {
        let presented = credential::presented(&ForwardAuthSettings::default(), self.headers, None);
        let is_stranger = match presented {
            Presented::Token(secret) => service.names_no_token(&secret),
            Presented::Nothing | Presented::Several => !credential::may_stand_elsewhere(self.headers),
        };
        if is_stranger {
            let found = service.forward_auth_app_for_stranger(&self.target.app, from).await;
            // Whatever the app's settings are, no valid credential was presented.
            Ok(found.unwrap_or_else(|error| {
                Fault::from(error).log(ROUTE);
                ForwardAuthApp::NONE
            }))
        } else {
            service.forward_auth_app(&self.target.app).await
        }
    }

    /// The parsed question, or the answer if there is nothing to look up.
    pub(super) fn question(self, app: ForwardAuthApp) -> Result<Question, Answer> {
        let settings = app.settings();
        let reads_request = matches!(self.target.demanded, Demanded::OfRoute { .. })
            || settings.query_token
            || settings.preflights;
        let original = if reads_request {
            let question = original_request::Question {
                method: self.method,
                headers: self.headers,
                rest: self.target.rest(),
            };
            OriginalRequest::read(settings.source, &question)
        } else {
            OriginalRequest::default()
        };
        match credential::presented(settings, self.headers, original.target.map(|(_, query)| query)) {
            Presented::Token(secret) => {
                let demand = self.target.demand(settings, original);
                Ok(Question { key: self.target.app, secret, demand, app })
            }
            Presented::Nothing if settings.preflights && self.is_preflight(original) => {
                Err(Answer::Preflight { key: self.target.app })
            }
            Presented::Nothing | Presented::Several => Err(Answer::Unproven(app)),
        }
    }

    /// Whether it is a browser's preflight (Fetch section 4.8), which never carries credentials.
    fn is_preflight(&self, original: OriginalRequest<'_>) -> bool {
        let is_there = |name| self.headers.named(&name).next().is_some();
        original.method == Some("OPTIONS") && is_there(ORIGIN) && is_there(ACCESS_CONTROL_REQUEST_METHOD)
    }
}

impl Question {
    /// The answer from memory.
    pub(super) fn recall(&self, service: &Service, from: Option<IpAddr>) -> Result<Verified, Missed> {
        service.verify_from_memory(self.app.app_ref(), &self.secret, self.asked(), from)
    }

    /// The answer if memory had none.
    pub(super) async fn answer_missed(
        self,
        service: &Service,
        missed: Missed,
        from: Option<IpAddr>,
    ) -> Answer {
        let verified =
            service.verify_missed(self.app.app_ref(), &self.secret, missed, self.asked(), from).await;
        self.answered(service, verified)
    }

    /// An invalid demand is refused only for a valid token: without one the answer is 401 in any case. So it is asked about as one
    /// that no token of the app covers, which is no use of its limits.
    fn asked(&self) -> &Demand {
        static COVERED_BY_NONE: LazyLock<Demand> = LazyLock::new(|| Demand::Permission {
            permission: ServicePermission::Manage.permission(),
            resource: None,
        });
        self.demand.as_ref().unwrap_or_else(|_| &COVERED_BY_NONE)
    }

    pub(super) fn answered(self, service: &Service, verified: Result<Verified, Error>) -> Answer {
        let Verified { verdict, cached, limits, outdated } = match verified {
            Err(error) => return Answer::unavailable(error),
            Ok(verified) => verified,
        };
        let answer = match (verdict, cached, self.demand) {
            (Verdict::Allowed, Some(subject), Ok(_)) => {
                Answer::allowed(self.key, subject, &self.app, limits, service.now())
            }
            (Verdict::RateLimited | Verdict::Inactive(InactiveReason::UsesExhausted), ..) => {
                Answer::OverLimit(self.app, limits)
            }
            (Verdict::Allowed, Some(_), demand @ Err(_)) | (Verdict::Refused, _, demand) => {
                Answer::Refused(self.app, demand.err())
            }
            (Verdict::Inactive(_), ..) | (Verdict::Allowed, None, _) => Answer::Unproven(self.app),
        };
        match outdated {
            None => answer,
            Some(outdated) => answer.outdated(outdated),
        }
    }
}

/// The demand of a query.
fn demand(query: &str) -> Result<Demand, BadDemand> {
    if query.is_empty() {
        return Ok(Demand::Active);
    }
    let (mut permission, mut id, mut tags) = (None, None, Vec::new());
    for (name, value) in pairs(query.as_bytes()).ok_or(BadDemand::Empty)? {
        match name.as_str() {
            "permission" if permission.is_some() => return Err(BadDemand::Twice("permission")),
            "id" if id.is_some() => return Err(BadDemand::Twice("id")),
            "permission" | "id" | "tag" if value.is_empty() => return Err(BadDemand::Empty),
            "permission" => permission = Some(Permission::held(&value).map_err(|_| BadDemand::Permission)?),
            "id" => id = Some(value),
            "tag" => tags.push(value),
            _ => return Err(BadDemand::Unknown(name.into())),
        }
    }
    Demand::new(permission, Resource::named(id, tags)).map_err(|_| BadDemand::Resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demands_by_query() {
        let permission = |id: Option<&str>, tags: &[&str]| Demand::Permission {
            permission: "read".parse().unwrap(),
            resource: (id.is_some() || !tags.is_empty()).then(|| Resource {
                id: id.map(str::to_owned),
                tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            }),
        };
        assert_eq!(demand(""), Ok(Demand::Active));
        assert_eq!(demand("permission=read"), Ok(permission(None, &[])));
        assert_eq!(
            demand("tag=a&permission=read&tag=b%20c&id=s/1"),
            Ok(permission(Some("s/1"), &["a", "b c"]))
        );
        let unknown = |name: &str| BadDemand::Unknown(name.into());
        for (nonsense, why) in [
            ("permission=", BadDemand::Empty),
            ("permission", BadDemand::Empty),
            ("permission=read&permission=read", BadDemand::Twice("permission")),
            ("permission=a,b", BadDemand::Permission),
            ("id=1&id=2&permission=read", BadDemand::Twice("id")),
            ("tag=&permission=read", BadDemand::Empty),
            ("id=1", BadDemand::Resource),
            ("tag=a", BadDemand::Resource),
            ("permission=read&other=1", unknown("other")),
            ("perm=read", unknown("perm")),
            ("perm=", unknown("perm")),
            ("Permission=read", unknown("Permission")),
            ("permission=%ff", BadDemand::Empty),
            ("=read", unknown("")),
        ] {
            assert_eq!(demand(nonsense), Err(why), "{nonsense}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_query_is_said_and_quotes_nothing_that_may_be_secret() {
        let said = |name: &str| BadDemand::Unknown(name.into()).description().unwrap();
        assert_eq!(said("perm"), "there is no parameter perm: there are permission, id, tag");
        assert_eq!(said("permision"), "there is no parameter permision: did you mean permission?");
        assert_eq!(said("colour"), "there is no parameter colour: there are permission, id, tag");
        let secret = "0123456789abcdef0123456789abcdef";
        for name in [secret, "a\"b", "a\\b", "\r\nx: y", ""] {
            assert_eq!(said(name), "there is no such parameter: there are permission, id, tag", "{name}");
        }
        assert_eq!(BadDemand::Unset.description(), None);
    }

    #[test]
    fn paths_say_where_the_demand_stands() {
        let show = |path: &'static str| {
            let target = Target::read(path, "q=r")?;
            let (form, (rest, query)) = match target.demanded {
                Demanded::InQuery => ("by query", target.rest()),
                Demanded::Named { name, .. } => (name, target.rest()),
                Demanded::OfRoute { .. } => ("by route", target.rest()),
            };
            Some(format!("{} {form} {rest} {query}", target.app))
        };
        for (path, expected) in [
            ("/auth/demo", "demo by query  "),
            ("/auth/demo/", "demo by query  "),
            ("/auth/d%65mo", "demo by query  "),
            ("/auth/demo/read-mine", "demo read-mine  q=r"),
            ("/auth/demo/read-mine/a/../b", "demo read-mine /a/../b q=r"),
            ("/auth/demo/route", "demo by route  q=r"),
            ("/auth/demo/route/", "demo by route / q=r"),
            ("/auth/demo/route//a", "demo by route //a q=r"),
            ("/auth/demo/routes", "demo routes  q=r"),
            ("/auth/demo//route", "demo  /route q=r"),
        ] {
            assert_eq!(show(path).as_deref(), Some(expected), "{path}");
        }
        for bad in ["/auth", "/auth/", "/auth//x", "/auth/de%20mo", "/auth/%ff"] {
            assert_eq!(show(bad), None, "{bad}");
        }
    }
}
