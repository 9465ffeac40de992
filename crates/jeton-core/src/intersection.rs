//! The intersection of two lists of scopes: what both allow.

use crate::scope::{MAX_NAMES_PER_SCOPE, MAX_SCOPES, Scope, Scopes};
use std::collections::HashSet;
use std::hash::Hash;

/// Up to this many comparisons of scopes, the result is made as short as possible.
const FEW_SCOPES: usize = 256;

impl Scopes {
    /// Scopes that allow only what both `self` and `other` allow.
    ///
    /// The result is `self` or `other` unchanged if each scope of one lies within a scope of the other.
    /// Otherwise it allows what both allow, except what one allows by a resource's id and the other by its
    /// tags, which no scope can express; scopes beyond [`MAX_SCOPES`] are left out. Takes time proportional
    /// to the product of both.
    #[must_use]
    pub fn intersection(&self, other: &Scopes) -> Scopes {
        let (mine, others) = (self.as_slice(), other.as_slice());
        let lie_within = |inner: &[Scope], outer: &[Scope]| {
            inner.iter().all(|inner| outer.iter().any(|outer| lies_within(inner, outer)))
        };
        if lie_within(mine, others) {
            return self.clone();
        }
        if lie_within(others, mine) {
            return other.clone();
        }
        let mut seen = HashSet::new();
        let pairs = mine.iter().flat_map(|one| others.iter().filter_map(move |two| both(one, two)));
        let mut scopes: Vec<Scope> = pairs.filter(|scope| seen.insert(scope.clone())).collect();
        if scopes.len() <= FEW_SCOPES {
            scopes = longest(scopes);
        }
        scopes.truncate(MAX_SCOPES);
        // Each has the names of at most two scopes that were within their bounds, and no more tags than one
        // may have.
        Scopes::new(scopes).unwrap_or_else(|_| Scopes::none())
    }
}

/// What both scopes allow; `None` if that is nothing.
fn both(one: &Scope, two: &Scope) -> Option<Scope> {
    let permissions = common(&one.permissions, &two.permissions);
    if permissions.is_empty() {
        return None;
    }
    let scope = match (one.global, two.global) {
        (true, true) => Scope::global(permissions),
        (true, false) => Scope { permissions, ..two.clone() },
        (false, true) => Scope { permissions, ..one.clone() },
        (false, false) => {
            let tags =
                if one.tags.is_empty() || two.tags.is_empty() { Vec::new() } else { all_tags(one, two) };
            Scope { permissions, global: false, ids: common(&one.ids, &two.ids), tags }
        }
    };
    (scope.global || !scope.ids.is_empty() || !scope.tags.is_empty()).then_some(scope)
}

/// The union of their tags, since a resource must bear all of both. Empty if a scope cannot have so many.
fn all_tags(one: &Scope, two: &Scope) -> Vec<String> {
    let known: HashSet<&String> = one.tags.iter().collect();
    let more = two.tags.iter().filter(|tag| !known.contains(tag));
    let tags: Vec<String> = one.tags.iter().chain(more).cloned().collect();
    if tags.len() > MAX_NAMES_PER_SCOPE { Vec::new() } else { tags }
}

fn common<T: Clone + Eq + Hash>(one: &[T], two: &[T]) -> Vec<T> {
    let known: HashSet<&T> = two.iter().collect();
    one.iter().filter(|name| known.contains(name)).cloned().collect()
}

/// Removes scopes that lie within another.
fn longest(scopes: Vec<Scope>) -> Vec<Scope> {
    let mut kept: Vec<Scope> = Vec::with_capacity(scopes.len());
    for scope in scopes {
        if !kept.iter().any(|other| lies_within(&scope, other)) {
            kept.retain(|other| !lies_within(other, &scope));
            kept.push(scope);
        }
    }
    kept
}

/// Whether everything that `inner` allows is allowed by `outer`.
fn lies_within(inner: &Scope, outer: &Scope) -> bool {
    holds_all(&outer.permissions, &inner.permissions)
        && (outer.global
            || !inner.global
                && holds_all(&outer.ids, &inner.ids)
                // A resource that bears all of some tags bears all of fewer.
                && (inner.tags.is_empty() || !outer.tags.is_empty() && holds_all(&inner.tags, &outer.tags)))
}

fn holds_all<T: Eq + Hash>(held: &[T], sought: &[T]) -> bool {
    let held: HashSet<&T> = held.iter().collect();
    sought.iter().all(|name| held.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{Circumstances, Demand, Resource, Standing, Verdict, decide};
    use crate::scope::Permission;
    use crate::time::Timestamp;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    fn names(list: &str) -> Vec<Permission> {
        Permission::parse_list(list).unwrap()
    }

    fn scopes(scopes: Vec<Scope>) -> Scopes {
        Scopes::new(scopes).unwrap()
    }

    fn on(permissions: &str, ids: &[&str], tags: &[&str]) -> Scope {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Scope { permissions: names(permissions), global: false, ids: owned(ids), tags: owned(tags) }
    }

    fn allows(scopes: &Scopes, demand: &Demand) -> bool {
        let scopes = scopes.as_slice();
        let standing = Standing::lasting(scopes);
        decide(standing, demand, Circumstances::at(Timestamp::MIN)) == Verdict::Allowed
    }

    #[test]
    fn what_lies_within_stays_as_it_is() {
        let narrow = scopes(vec![on("write,read", &["b", "a"], &[]), on("read", &[], &["t", "u"])]);
        let wide = scopes(vec![Scope::global(names("read,write,delete"))]);
        for (one, two) in [(&narrow, &wide), (&wide, &narrow), (&narrow, &narrow)] {
            assert_eq!(one.intersection(two), narrow);
        }
        let tagged = scopes(vec![on("read", &[], &["t"])]);
        assert_eq!(
            tagged.intersection(&scopes(vec![on("read", &[], &["t", "u"])])).as_slice(),
            [on("read", &[], &["t", "u"])]
        );
        assert_eq!(wide.intersection(&Scopes::none()), Scopes::none());
    }

    #[test]
    fn what_lies_across_is_cut() {
        let one = scopes(vec![Scope::global(names("read,write")), on("delete", &["a", "b"], &[])]);
        let two = scopes(vec![Scope::global(names("write,delete")), on("read", &["a"], &[])]);
        assert_eq!(
            one.intersection(&two).as_slice(),
            [Scope::global(names("write")), on("read", &["a"], &[]), on("delete", &["a", "b"], &[])]
        );
        // One by id and one by tags: no scope expresses both.
        let by_id = scopes(vec![on("read", &["a"], &[])]);
        assert_eq!(by_id.intersection(&scopes(vec![on("read", &[], &["t"])])), Scopes::none());
    }

    #[test]
    fn it_stays_within_the_bounds() {
        let many = |prefix: &str| {
            scopes((0..40).map(|n| on("read", &[], &[&format!("{prefix}{n}"), "z"])).collect())
        };
        assert_eq!(many("a").intersection(&many("b")).as_slice().len(), MAX_SCOPES);
    }

    fn any_scopes() -> impl Strategy<Value = Scopes> {
        let permissions = subsequence(names("r,w,d"), 0..=3);
        let ids = subsequence(vec!["a".to_owned(), "b".to_owned()], 0..=2);
        let tags = subsequence(vec!["t".to_owned(), "u".to_owned()], 0..=2);
        let scope = (permissions, prop::bool::weighted(0.3), ids, tags)
            .prop_map(|(permissions, global, ids, tags)| Scope { permissions, global, ids, tags });
        vec(scope, 0..4).prop_map(scopes)
    }

    fn demands() -> Vec<Demand> {
        let mut demands = Vec::new();
        for permission in names("r,w,d") {
            demands.push(Demand::Permission { permission: permission.clone(), resource: None });
            for id in [None, Some("a".to_owned()), Some("b".to_owned()), Some("c".to_owned())] {
                for tags in [vec![], vec!["t".to_owned()], vec!["u".to_owned(), "t".to_owned()]] {
                    let resource = Some(Resource { id: id.clone(), tags });
                    demands.push(Demand::Permission { permission: permission.clone(), resource });
                }
            }
        }
        demands
    }

    proptest! {
        #[test]
        fn nothing_is_allowed_that_one_refuses(one in any_scopes(), two in any_scopes()) {
            let common = one.intersection(&two);
            for demand in demands() {
                let both = allows(&one, &demand) && allows(&two, &demand);
                prop_assert!(!allows(&common, &demand) || both, "{:?} {:?}", common, demand);
                // The result is exact for demands that name a resource by its id alone, or no resource.
                let by_tags = matches!(&demand, Demand::Permission { resource: Some(resource), .. } if !resource.tags.is_empty());
                prop_assert!(allows(&common, &demand) == both || by_tags, "{:?} {:?}", common, demand);
            }
        }
    }
}
