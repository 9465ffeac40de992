//! Texts of documents as HTML.

/// Text between tags, or within an attribute in quotes.
pub(super) fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

/// A text in which code stands between grave accents.
pub(super) fn inline(text: &str) -> String {
    let mut shown = String::new();
    for (place, part) in text.split('`').enumerate() {
        if place % 2 == 0 {
            shown.push_str(&escaped(part));
        } else {
            shown.push_str(&code(part));
        }
    }
    shown
}

/// Paragraphs, which empty lines separate.
pub(super) fn paragraphs(text: &str) -> String {
    text.split("\n\n").map(|paragraph| format!("<p>{}</p>\n", inline(paragraph))).collect()
}

pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// A table, which scrolls by itself where it is wider than the window.
pub(super) fn table(heads: &[&str], rows: &str) -> String {
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table><thead><tr>{heads}</tr></thead><tbody>\n\
         {rows}</tbody></table></div>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_says_is_text() {
        assert_eq!(inline("a <b> `c & \"d\"` e"), "a &lt;b&gt; <code>c &amp; &quot;d&quot;</code> e");
        assert_eq!(paragraphs("a\n\n`b`"), "<p>a</p>\n<p><code>b</code></p>\n");
    }
}
