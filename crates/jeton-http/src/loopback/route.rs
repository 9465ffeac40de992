//! From a request to a method of LoopBack.

use axum::http::Method as Verb;
use jeton_loopback::{Method, Profile, Put};
use percent_encoding::percent_decode_str;

/// What a path refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The AccessToken model of an app; `None`: the default app.
    Model {
        /// The app.
        app: Option<String>,
        /// The segments below the model, still encoded.
        below: Vec<String>,
    },
    /// Another model, none of which exists.
    OtherModel {
        /// The app; `None`: the default app.
        app: Option<String>,
        /// The path below the mount.
        path: String,
    },
}

/// A method, and the decoded id in its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) id: Option<String>,
    /// Whether the query may contain what is otherwise in the body, as LoopBack documents for `PUT /:id`.
    pub(super) takes_data_in_query: bool,
}

/// Whether a path belongs to LoopBack: whether [`target`] parses it, which takes longer.
pub(super) fn claims(path: &str) -> bool {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let Some(first) = segments.next() else { return false };
    let is_of_default_app = ["api", "accesstokens"].iter().any(|name| first.eq_ignore_ascii_case(name));
    let names_app = first.eq_ignore_ascii_case("apps");
    is_of_default_app || names_app && segments.nth(1).is_some_and(|mount| mount.eq_ignore_ascii_case("api"))
}

/// Whether a LoopBack path continues below its model; `None` if it is not a LoopBack path.
pub(super) fn names_token(path: &str) -> Option<bool> {
    target(path).map(|target| matches!(target, Target::Model { below, .. } if !below.is_empty()))
}

/// Parses a path; `None` if it is not a LoopBack path. Trailing and doubled slashes are ignored.
pub(super) fn target(path: &str) -> Option<Target> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let is = |place: usize, name: &str| {
        segments.get(place).is_some_and(|segment| segment.eq_ignore_ascii_case(name))
    };
    let (app, rest) = if is(0, "apps") && is(2, "api") {
        (Some(segments[1].to_owned()), &segments[3..])
    } else if is(0, "api") {
        (None, &segments[1..])
    } else if is(0, "accesstokens") {
        (None, &segments[..])
    } else {
        return None;
    };
    match rest.split_first() {
        Some((model, below)) if model.eq_ignore_ascii_case("accesstokens") => {
            Some(Target::Model { app, below: below.iter().map(|segment| (*segment).to_owned()).collect() })
        }
        _ => Some(Target::OtherModel { app, path: format!("/{}", rest.join("/")) }),
    }
}

/// The methods, each with its verbs and its path below the model, in which `:id` is an id. For each verb, names
/// take precedence over ids: they come first. What is not here is not served.
pub(super) const CALLS: [(&str, &str, Method); 16] = [
    ("POST", "", Method::Create),
    ("GET HEAD", "", Method::Find),
    ("PUT PATCH", "", Method::Upsert),
    ("GET", "count", Method::Count),
    ("GET", "findOne", Method::FindOne),
    ("GET POST", "change-stream", Method::CreateChangeStream),
    ("POST", "update", Method::UpdateAll),
    ("POST", "upsertWithWhere", Method::UpsertWithWhere),
    ("POST", "replaceOrCreate", Method::ReplaceOrCreate),
    ("GET", ":id", Method::FindById),
    ("HEAD", ":id", Method::Exists),
    ("PUT PATCH", ":id", Method::UpdateAttributes),
    ("DELETE", ":id", Method::DeleteById),
    ("GET HEAD", ":id/exists", Method::Exists),
    ("GET HEAD", ":id/user", Method::GetUser),
    ("POST", ":id/replace", Method::ReplaceById),
];

/// The method of a verb and a path below the model; `None` if there is none.
pub(super) fn call(verb: &Verb, below: &[String], profile: &Profile) -> Result<Option<Call>, Undecodable> {
    let fits = |(verbs, path, _): &&(&str, &str, Method)| {
        verbs.split(' ').any(|known| known == verb.as_str()) && fits(path, below)
    };
    let Some((_, path, method)) = CALLS.iter().find(fits) else { return Ok(None) };
    let method = match (*method, profile.put) {
        (Method::Upsert, Put::Replaces) if verb == Verb::PUT => Method::ReplaceOrCreate,
        (Method::UpdateAttributes, Put::Replaces) if verb == Verb::PUT => Method::ReplaceById,
        (method, Put::Merges | Put::Replaces) => method,
    };
    let id = if path.starts_with(":id") { Some(decode(&below[0])?) } else { None };
    Ok(Some(Call { method, takes_data_in_query: id.is_some() && verb == Verb::PUT, id }))
}

/// Whether a path below the model is of this form.
fn fits(path: &str, below: &[String]) -> bool {
    let mut names = path.split_terminator('/');
    let is_next = |segment: &String| {
        names.next().is_some_and(|name| name == ":id" || name.eq_ignore_ascii_case(segment))
    };
    below.iter().all(is_next) && names.next().is_none()
}

/// The verbs of a path below the model.
pub(super) fn verbs(below: &[String], profile: &Profile) -> Vec<&'static str> {
    const VERBS: [(&str, Verb); 6] = [
        ("GET", Verb::GET),
        ("HEAD", Verb::HEAD),
        ("PUT", Verb::PUT),
        ("PATCH", Verb::PATCH),
        ("POST", Verb::POST),
        ("DELETE", Verb::DELETE),
    ];
    let known = VERBS.into_iter().filter(|(_, verb)| matches!(call(verb, below, profile), Ok(Some(_))));
    known.map(|(name, _)| name).collect()
}

/// This segment of the path has an invalid escape, or is not UTF-8 once decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Undecodable(pub(super) String);

fn decode(segment: &str) -> Result<String, Undecodable> {
    let is_escape = |after: &str| matches!(after.as_bytes(), [one, two, ..] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit());
    match percent_decode_str(segment).decode_utf8() {
        Ok(decoded) if segment.split('%').skip(1).all(is_escape) => Ok(decoded.into_owned()),
        _ => Err(Undecodable(segment.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(verb: &str, path: &str) -> Option<(Method, Option<String>)> {
        let Some(Target::Model { below, .. }) = target(path) else { panic!("{path} is not the model's") };
        let call = call(&verb.parse().unwrap(), &below, &Profile::V2).unwrap();
        call.map(|call| (call.method, call.id))
    }

    #[test]
    fn names_in_any_case_and_ids_to_the_letter() {
        let id = |id: &str| Some(id.to_owned());
        for (verb, path, expected) in [
            ("POST", "/api/AccessTokens", Some((Method::Create, None))),
            ("GET", "//api//accesstokens/", Some((Method::Find, None))),
            ("GET", "/accessTokens/Count/", Some((Method::Count, None))),
            ("PUT", "/accessTokens/Count", Some((Method::UpdateAttributes, id("Count")))),
            ("HEAD", "/accessTokens/findOne", Some((Method::Exists, id("findOne")))),
            ("GET", "/apps/shop/api/AccessTokens/a%2Fb/EXISTS", Some((Method::Exists, id("a/b")))),
            ("POST", "/accessTokens/x", None),
            ("DELETE", "/accessTokens", None),
            ("GET", "/accessTokens/x/nope", None),
        ] {
            assert_eq!(called(verb, path), expected, "{verb} {path}");
        }
        let verbs = |below: &str| {
            let below: Vec<String> = below.split_terminator('/').map(str::to_owned).collect();
            verbs(&below, &Profile::V2).join(" ")
        };
        assert_eq!(verbs(""), "GET HEAD PUT PATCH POST");
        assert_eq!(verbs("id"), "GET HEAD PUT PATCH DELETE");
        assert_eq!(verbs("change-stream"), "GET HEAD PUT PATCH POST DELETE");
        assert_eq!((verbs("id/exists"), verbs("id/replace")), ("GET HEAD".to_owned(), "POST".to_owned()));
        assert_eq!((verbs("id/nope"), verbs("%ff")), (String::new(), String::new()));
        for bad in ["%ff", "%zz", "%4", "a%"] {
            assert_eq!(call(&Verb::GET, &[bad.to_owned()], &Profile::V2), Err(Undecodable(bad.to_owned())));
        }
    }

    #[test]
    fn put_is_what_the_version_makes_of_it() {
        let replacing = Profile { put: Put::Replaces, ..Profile::V2 };
        let called = |verb: Verb, below: &[&str], profile| {
            let below: Vec<String> = below.iter().map(|segment| (*segment).to_owned()).collect();
            call(&verb, &below, profile).unwrap().unwrap().method
        };
        for (verb, below, in_two, replaces) in [
            (Verb::PUT, &[][..], Method::Upsert, Method::ReplaceOrCreate),
            (Verb::PUT, &["id"], Method::UpdateAttributes, Method::ReplaceById),
            (Verb::PATCH, &[], Method::Upsert, Method::Upsert),
            (Verb::PATCH, &["id"], Method::UpdateAttributes, Method::UpdateAttributes),
        ] {
            assert_eq!(called(verb.clone(), below, &Profile::V2), in_two);
            assert_eq!(called(verb, below, &replacing), replaces);
        }
    }

    #[test]
    fn what_is_loopbacks() {
        let other = |path: &str| Some(Target::OtherModel { app: None, path: path.to_owned() });
        assert_eq!((target("/api/Users/1"), target("/api")), (other("/Users/1"), other("/")));
        assert_eq!(target("/accessToken"), None);
        assert_eq!(target("/apps/shop"), None);
        assert!(claims("/apps/shop/api/accessTokens") && !claims("/auth/demo") && !claims("/"));
    }
}
