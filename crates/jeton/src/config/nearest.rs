//! What somebody who mistyped a name perhaps meant.

/// The name that is most like `typed`, if one is much like it.
pub(crate) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alike = names.map(|name| (strsim::jaro_winkler(typed, name), name));
    let (likeness, name) = alike.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness > 0.9).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_much_alike_is_named_and_nothing_else() {
        let names = || ["listen", "admin_listen", "limits.body_bytes", "log.level"].into_iter();
        assert_eq!(nearest("lsiten", names()), Some("listen"));
        assert_eq!(nearest("limits.body_byte", names()), Some("limits.body_bytes"));
        assert_eq!(nearest("port", names()), None);
        assert_eq!(nearest("x", std::iter::empty()), None);
    }
}
