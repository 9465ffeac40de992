//! Scopes, kinds, states and verdicts in words.

use crate::{Language, show};
use jeton_core::{
    AddressList, Explanation, InactiveReason, Lack, Permission, Scope, Token, TokenKind, TokenState, UseRate,
    Verdict,
};

/// Names of one list that are shown in a table, and where there is room; the rest is counted.
const FEW: usize = 3;
const MANY: usize = 50;

impl Language {
    /// How a token stands.
    pub fn state(self, state: TokenState) -> &'static str {
        match state {
            TokenState::Active => self.state_active(),
            TokenState::Disabled => self.state_disabled(),
            TokenState::Expired => self.state_expired(),
            TokenState::Revoked => self.state_revoked(),
        }
    }

    /// What a token is for.
    pub(crate) fn kind_of(self, kind: TokenKind) -> &'static str {
        match kind {
            TokenKind::Identity => self.kind_identity(),
            TokenKind::Grant => self.kind_grant(),
            TokenKind::SelfMade => self.kind_self_made(),
            TokenKind::Service => self.kind_service(),
        }
    }

    /// What a scope allows.
    pub(crate) fn scope(self, scope: &Scope) -> String {
        self.scope_of(scope, MANY)
    }

    /// What a token allows, in a few words.
    pub(crate) fn scopes_in_short(self, token: &Token) -> String {
        match token.spec.scopes.as_slice() {
            [] => self.without_scopes(token.spec.kind).to_owned(),
            [only] => self.scope_of(only, FEW),
            [first, rest @ ..] => self.scopes_more(self.scope_of(first, FEW), rest.len()),
        }
    }

    /// What a token allows that has no scopes.
    pub(crate) fn without_scopes(self, kind: TokenKind) -> &'static str {
        match kind {
            TokenKind::Identity | TokenKind::SelfMade => self.allows_nothing_identity(),
            TokenKind::Grant | TokenKind::Service => self.allows_nothing(),
        }
    }

    fn scope_of(self, scope: &Scope, most: usize) -> String {
        if scope.permissions.is_empty() {
            return self.scope_without_permissions().to_owned();
        }
        let names = self.listed(scope.permissions.iter().map(Permission::as_str), most, Language::list_and);
        if scope.global {
            return self.scope_global(names);
        }
        let ids = match scope.ids.as_slice() {
            [] => None,
            [id] => Some(self.scope_id(id)),
            ids => Some(self.scope_ids(self.listed(texts(ids), most, Language::list_or))),
        };
        let tags = match scope.tags.as_slice() {
            [] => None,
            [tag] => Some(self.scope_tag(tag)),
            tags => Some(self.scope_tags(self.listed(texts(tags), most, Language::list_and))),
        };
        match (ids, tags) {
            (None, None) => self.scope_of_nothing(names),
            (Some(ids), Some(tags)) => self.scope_narrow(names, self.scope_or(ids, tags)),
            (Some(one), None) | (None, Some(one)) => self.scope_narrow(names, one),
        }
    }

    /// Names as people list them: no more than so many, and then how many more there are.
    fn listed<'n>(
        self,
        names: impl ExactSizeIterator<Item = &'n str>,
        most: usize,
        join: fn(Self, String, &'n str) -> String,
    ) -> String {
        let comma = match self {
            Language::English => ", ",
            Language::Chinese => "、",
        };
        let count = names.len();
        let shown: Vec<&str> = names.take(most).collect();
        let more = u64::try_from(count.saturating_sub(most)).unwrap_or(u64::MAX);
        match shown.split_last() {
            Some(_) if more > 0 => self.list_more(shown.join(comma), show::number(more)),
            Some((last, [])) => (*last).to_owned(),
            Some((last, before)) => join(self, before.join(comma), last),
            None => String::new(),
        }
    }

    /// Each rate of a token.
    pub(crate) fn rates(self, token: &Token) -> Vec<String> {
        token.spec.limits.rates.as_slice().iter().map(|rate| self.rate(*rate)).collect()
    }

    /// How often a token may be used, in the largest unit of time that fits.
    fn rate(self, rate: UseRate) -> String {
        let span = match u64::from(rate.per_seconds()) {
            seconds if seconds.is_multiple_of(86_400) => self.days(seconds / 86_400),
            seconds if seconds.is_multiple_of(3_600) => self.hours(seconds / 3_600),
            seconds if seconds.is_multiple_of(60) => self.minutes(seconds / 60),
            seconds => self.seconds(seconds),
        };
        self.token_rate(rate.limit().into(), span)
    }

    /// Why a verdict is as it is, and then what each scope lacks, if it is for that. `permission`: the one that was demanded.
    pub(crate) fn because(
        self,
        explanation: &Explanation,
        scopes: &[Scope],
        permission: &str,
    ) -> (String, Vec<String>) {
        let matched = explanation.matched_scope.and_then(|place| scopes.get(place));
        let reason = match (explanation.verdict, matched) {
            (Verdict::Allowed, Some(scope)) => self.verdict_by_scope(self.scope(scope)),
            (Verdict::Allowed, None) => self.verdict_active().to_owned(),
            (Verdict::Refused, _) if scopes.is_empty() => self.verdict_without_scopes().to_owned(),
            (Verdict::Refused, _) => self.verdict_no_scope().to_owned(),
            (Verdict::RateLimited, _) => self.verdict_rate_limited().to_owned(),
            (Verdict::Inactive(reason), _) => self.inactive(reason, explanation.refused_by).to_owned(),
        };
        let lacks = scopes.iter().zip(&explanation.lacks).map(|(scope, lack)| {
            let lack = match lack {
                Lack::Permission => self.lack_permission(permission),
                Lack::Global => self.lack_global().to_owned(),
                Lack::Resource => self.lack_resource().to_owned(),
            };
            let colon = match self {
                Language::English => ": ",
                Language::Chinese => "：",
            };
            format!("{}{colon}{lack}", self.scope(scope))
        });
        (reason, lacks.collect())
    }

    /// `refused_by`: whose list of addresses refuses, if one does.
    fn inactive(self, reason: InactiveReason, refused_by: Option<AddressList>) -> &'static str {
        match reason {
            InactiveReason::Unknown => self.inactive_unknown(),
            InactiveReason::Revoked => self.inactive_revoked(),
            InactiveReason::Expired => self.inactive_expired(),
            InactiveReason::Disabled => self.inactive_disabled(),
            InactiveReason::Suspended => self.inactive_suspended(),
            InactiveReason::NotYetValid => self.inactive_not_yet_valid(),
            InactiveReason::UsesExhausted => self.inactive_uses_exhausted(),
            InactiveReason::AddressUnknown => match refused_by {
                Some(AddressList::App) => self.inactive_address_unknown_app(),
                Some(AddressList::Token) | None => self.inactive_address_unknown(),
            },
            InactiveReason::AddressNotAllowed => match refused_by {
                Some(AddressList::App) => self.inactive_address_not_allowed_app(),
                Some(AddressList::Token) | None => self.inactive_address_not_allowed(),
            },
        }
    }
}

/// The looks of a state.
pub(crate) const fn tone(state: TokenState) -> &'static str {
    match state {
        TokenState::Active => "good",
        TokenState::Disabled => "warn",
        TokenState::Expired => "calm",
        TokenState::Revoked => "bad",
    }
}

fn texts(names: &[String]) -> impl ExactSizeIterator<Item = &str> {
    names.iter().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_core::{
        AllowedAddresses, Bounds, Circumstances, Demand, Resource, Standing, Timestamp, explain,
    };

    fn scope(permissions: &str, ids: &[&str], tags: &[&str]) -> Scope {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let permissions = Permission::parse_list(permissions).unwrap();
        Scope { permissions, global: false, ids: owned(ids), tags: owned(tags) }
    }

    #[test]
    fn scopes_are_sentences() {
        let global = Scope { global: true, ..scope("read", &["x"], &[]) };
        for (scope, english, chinese) in [
            (global, "may read everything", "可以对所有资源执行 read"),
            (
                scope("read,write", &["sensor-7"], &["building-3"]),
                "may read and write what has the id sensor-7 or the tag building-3",
                "可以对 id 为 sensor-7 的资源或带有标签 building-3 的资源执行 read 和 write",
            ),
            (
                scope("a,b,c", &["1", "2"], &[]),
                "may a, b and c what has one of the ids 1 or 2",
                "可以对 id 为 1 或 2 的资源执行 a、b 和 c",
            ),
            (
                scope("read", &[], &["x", "y"]),
                "may read what has all of the tags x and y",
                "可以对同时带有标签 x 和 y 的资源执行 read",
            ),
            (
                scope("read", &[], &[]),
                "may read nothing: it names neither ids nor tags",
                "不能对任何资源执行 read：没有列出 id 或标签",
            ),
            (
                scope("", &["x"], &[]),
                "allows nothing: it names no permission",
                "不允许任何操作：没有列出权限",
            ),
        ] {
            assert_eq!(Language::English.scope(&scope), english);
            assert_eq!(Language::Chinese.scope(&scope), chinese);
        }
        let many: Vec<String> = (0..1_052).map(|number| number.to_string()).collect();
        let scope = Scope { ids: many, ..scope("read", &[], &[]) };
        let words = Language::English.scope_of(&scope, 2);
        assert_eq!(words, "may read what has one of the ids 0, 1 and 1,050 more");
    }

    #[test]
    fn rates_are_in_one_unit() {
        for (rate, english, chinese) in [
            ("1/1", "1 use in 1 second", "1 秒内 1 次"),
            ("100/60", "100 uses in 1 minute", "1 分钟内 100 次"),
            ("5/90", "5 uses in 90 seconds", "90 秒内 5 次"),
            ("1000/7200", "1,000 uses in 2 hours", "2 小时内 1,000 次"),
            ("1000000/2592000", "1,000,000 uses in 30 days", "30 天内 1,000,000 次"),
        ] {
            assert_eq!(Language::English.rate(rate.parse().unwrap()), english);
            assert_eq!(Language::Chinese.rate(rate.parse().unwrap()), chinese);
        }
    }

    #[test]
    fn verdicts_say_why() {
        let scopes = [scope("read", &["a"], &[]), scope("write", &["b"], &[])];
        let because = |permission: &str, id: Option<&str>, scopes: &[Scope]| {
            let standing = Standing::lasting(scopes);
            let resource = Resource::named(id.map(str::to_owned), Vec::new());
            let demand = Demand::new(Some(permission.parse().unwrap()), resource).unwrap();
            let explanation = explain(standing, &demand, Circumstances::at(Timestamp::MIN));
            Language::English.because(&explanation, scopes, permission)
        };
        assert_eq!(
            because("write", Some("b"), &scopes),
            ("Because the token may write what has the id b.".to_owned(), vec![])
        );
        let (reason, lacks) = because("write", Some("a"), &scopes);
        assert_eq!(reason, "The token is active, but none of its scopes covers this:");
        assert_eq!(
            lacks,
            [
                "may read what has the id a: does not hold write",
                "may write what has the id b: covers neither this id nor these tags"
            ]
        );
        assert_eq!(
            because("write", None, &scopes).1[1],
            "may write what has the id b: is for single resources, and none was named"
        );
        assert_eq!(because("write", None, &[]).0, "The token is active, but has no scopes.");
    }

    #[test]
    fn bounds_say_which_of_them_refuses() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let list = AllowedAddresses::parse(["192.0.2.0/24"]).unwrap();
        let because = |now, address: Option<&str>, app: Option<&AllowedAddresses>| {
            let bounds = Bounds { not_before: Some(at(5)), allowed_addresses: list.clone() };
            let bounds = Some(&bounds);
            let standing = Standing { bounds, ..Standing::lasting(&[]) };
            let address = address.map(|address| address.parse().unwrap());
            let circumstances = Circumstances { address, app_addresses: app, ..Circumstances::at(at(now)) };
            Language::English.because(&explain(standing, &Demand::Active, circumstances), &[], "").0
        };
        assert_eq!(because(4, Some("192.0.2.7"), None), "The token is not valid yet.");
        assert_eq!(because(5, Some("192.0.2.7"), None), "The token is active, and nothing more was asked.");
        for (address, app, expected) in [
            (None, None, "The token may be used from some addresses only, and none was named."),
            (Some("10.0.0.1"), None, "The token may not be used from this address."),
            (
                None,
                list.as_ref(),
                "The app's tokens may be used from some addresses only, and none was named.",
            ),
            (Some("10.0.0.1"), list.as_ref(), "The app's tokens may not be used from this address."),
        ] {
            assert_eq!(because(5, address, app), expected);
        }
    }
}
