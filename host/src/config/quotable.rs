//! What an error about a configuration may quote of it: a line that may have a secret in it is not shown, and what is found there is not told.

/// Whether a line may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Yes,
    /// It may have a secret in it. This is its number, if it is known which one it is.
    No(Option<usize>),
}

/// Decides it for an error. The text may be no TOML, so it is not read as such: what comes after the word is taken for a secret, until a
/// line begins with the header of another table. A text over several lines may have such a line in it, and then there is no end.
pub(super) fn shown(text: &str, error: &toml::de::Error) -> Shown {
    const WORD: &str = "secret";
    let Some(span) = error.span() else {
        return if text.contains(WORD) { Shown::No(None) } else { Shown::Yes };
    };
    let start = text.floor_char_boundary(span.start);
    let (before, rest) = text.split_at(start);
    let line = rest.find('\n').and_then(|end| text.get(..start + end)).unwrap_or(text);
    let Some((_, after)) = line.rsplit_once(WORD) else { return Shown::Yes };
    let is_over = after.lines().skip(1).any(|line| line.trim_start().starts_with('['));
    let has_long_texts = ["\"\"\"", "'''"].iter().any(|quotes| line.contains(quotes));
    if is_over && !has_long_texts { Shown::Yes } else { Shown::No(Some(before.matches('\n').count() + 1)) }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn of(text: &str) -> Shown {
        shown(text, &toml::from_str::<Config>(text).expect_err("a bad configuration"))
    }

    #[test]
    fn a_line_that_may_have_a_secret_in_it_is_not_shown() {
        for (text, line) in [
            ("[secrets]\nkey = \"hunter2", 2),
            ("[secrets]\nkey = hunter2", 2),
            ("[secrets]\nkey = 5", 2),
            ("[ \"secrets\" ]\nkey = [\"hunter2\"]", 2),
            ("secrets.key = \"hunter2", 1),
            ("folder = \"plugins\"\nsecrets = { key = \"hunter2\", other = 5 }", 2),
            ("secrets = \"hunter2\"", 1),
            ("[secret]\nkey = \"hunter2\"", 1),
            ("[[tenant]]\nname = \"a\"\n[tenant.secrets]\nkey = \"hunter2\" \"\"", 4),
            ("tenant = [{ nam = \"a\", secrets = { key = \"hunter2\" } }]", 1),
            ("[secrets]\nkey = \"\"\"\n[listen]\nhunter2\"\"\" x", 4),
        ] {
            assert_eq!(of(text), Shown::No(Some(line)), "{text}");
        }
    }

    #[test]
    fn others_are() {
        for text in [
            "folder = 5\n[secrets]\nkey = \"hunter2\"",
            "[secrets]\nkey = \"hunter2\"\n[listen]\nadress = \"here\"",
            "[listen]\nadress = \"here\"",
        ] {
            assert_eq!(of(text), Shown::Yes, "{text}");
        }
    }
}
