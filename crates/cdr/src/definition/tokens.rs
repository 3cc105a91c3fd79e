//! The words of an `.idl` file.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, with its modules if it has some, or a number.
    Word(&'a str),
    /// One character.
    Sign(&'a str),
    /// Text between two quotes.
    Text(&'a str),
}

impl<'a> Token<'a> {
    pub(super) fn text(&self) -> &'a str {
        match self {
            Self::Word(text) | Self::Sign(text) | Self::Text(text) => text,
        }
    }
}

/// A line that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnreadableLine<'a>(pub &'a str);

/// The tokens of all files of a schema.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, UnreadableLine<'_>> {
    let mut found = Vec::new();
    let mut in_comment = false;
    for line in text.lines() {
        // Between the files, and what is for the preprocessor.
        let between = line.starts_with("====") || line.starts_with("IDL: ");
        if !in_comment && (between || line.trim_start().starts_with('#')) {
            continue;
        }
        line_tokens(line, &mut in_comment, &mut found).ok_or(UnreadableLine(line))?;
    }
    Ok(found)
}

fn line_tokens<'a>(line: &'a str, in_comment: &mut bool, found: &mut Vec<Token<'a>>) -> Option<()> {
    let mut rest = line;
    loop {
        if *in_comment {
            let Some((_, after)) = rest.split_once("*/") else {
                return Some(());
            };
            *in_comment = false;
            rest = after;
        }
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            return Some(());
        };
        if rest.starts_with("//") {
            return Some(());
        }
        if let Some(after) = rest.strip_prefix("/*") {
            *in_comment = true;
            rest = after;
        } else if first == '"' {
            let inside = &rest[1..];
            let end = end_of_text(inside)?;
            found.push(Token::Text(&inside[..end]));
            rest = &inside[end + 1..];
        } else {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end.max(first.len_utf8()));
            found.push(if end == 0 {
                Token::Sign(token)
            } else {
                Token::Word(token)
            });
            rest = after;
        }
    }
}

/// Where the closing quote is.
fn end_of_text(inside: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | '+' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_lines_between_files_are_left_out() {
        let text = "IDL: a/msg/B\n#include \"x.idl\"\n// one\nmodule a /* two\nthree */ {\n\
                    ====================\n@u(v=\"a // \\\" b\") c::d[-1.5];";
        let words: Vec<_> = tokens(text).unwrap().iter().map(Token::text).collect();
        assert_eq!(
            words,
            [
                "module",
                "a",
                "{",
                "@",
                "u",
                "(",
                "v",
                "=",
                "a // \\\" b",
                ")",
                "c::d",
                "[",
                "-1.5",
                "]",
                ";"
            ]
        );
    }

    #[test]
    fn a_text_without_end_is_an_error() {
        assert_eq!(tokens("ok\n\"no end"), Err(UnreadableLine("\"no end")));
    }
}
