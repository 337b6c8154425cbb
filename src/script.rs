//! What may stand in a script that people run: texts that end no quote and start no command.

/// What is wrong with a text as one word of a script; `None` where nothing is. `more` are the characters that it may have
/// beside letters and digits.
pub fn wrong(text: &str, more: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.starts_with('-') {
        return Some("it begins with a dash, as an option does");
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    (!text.chars().all(fits)).then_some("it has characters other than letters, digits, dots and dashes")
}

/// Whether a text may stand in a script, within single quotes, a comment, a here-document or a command: it ends none of them
/// and starts nothing.
pub fn is_inert(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || " -._:/@=+,;()*?~%[]{}#".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_an_option_or_ends_anything() {
        for good in ["a", "system:auth-delegator", "cert.0_1", "A1"] {
            assert_eq!(wrong(good, "-._:"), None, "{good}");
        }
        for bad in ["", "--all", "-", "a b", "a\nEND", "$(x)", "`x`", "a'b", "a\"", "ä", "a;b", "*", "a/b", "\u{202e}"]
        {
            assert!(wrong(bad, "-._:").is_some(), "{bad}");
        }
    }

    #[test]
    fn what_is_inert_ends_no_quote_and_starts_no_command() {
        assert!(is_inert("Knative Serving v1.23.0 with Kourier v1.23.0; rule set fargate (a, b)"));
        for bad in ["'", "\"", "`", "$", "\\", "\n", "\r", "&", "|", "<", ">", "!", "\u{1b}", "é"] {
            assert!(!is_inert(bad), "{bad}");
        }
    }
}
