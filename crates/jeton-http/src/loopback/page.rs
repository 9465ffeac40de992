//! Errors in HTML and XML.

use quick_xml::escape::partial_escape;

/// An error as a page. What a client sent is escaped.
pub(super) fn html(status: u16, name: &str, message: &str, code: Option<&str>) -> String {
    let code = code.map(|code| format!("<p><b>code</b>: {}</p>", escaped(code))).unwrap_or_default();
    let (name, message) = (escaped(name), escaped(message));
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{name}</title></head>\
         <body><h1>{name}</h1><h2><em>{status}</em> {message}</h2>{code}</body></html>\n"
    )
}

/// An error as strong-error-handler writes it in XML, with `undefined` for absent values.
pub(super) fn xml(status: u16, name: &str, message: &str, code: Option<&str>) -> String {
    let (name, message) = (escaped(name), escaped(message));
    let code = escaped(code.unwrap_or("undefined"));
    format!(
        "<?xml version='1.0'?>\n<error>\n    <statusCode>{status}</statusCode>\n    <name>{name}</name>\n    \
         <message>{message}</message>\n    <code>{code}</code>\n    <details>undefined</details>\n</error>"
    )
}

/// Escaped text between tags. Characters that XML does not allow become replacement characters.
fn escaped(text: &str) -> String {
    let allowed = |c: char| match c {
        '\t' | '\n' | '\r' => c,
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    partial_escape(text.chars().map(allowed).collect::<String>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_text() {
        let message = "<script>\u{1}\"&\u{ffff}";
        let page = html(404, "Error", message, Some("A<B"));
        assert!(page.contains("<em>404</em> &lt;script&gt;\u{fffd}\"&amp;\u{fffd}</h2>"), "{page}");
        assert!(page.contains("<b>code</b>: A&lt;B</p>"), "{page}");
        let text = xml(400, "Error", message, None);
        assert!(text.contains("<message>&lt;script&gt;\u{fffd}\"&amp;\u{fffd}</message>"), "{text}");
        assert!(text.contains("<code>undefined</code>"), "{text}");
    }
}
