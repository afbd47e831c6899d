//! JavaScript taken apart into words, strings and signs, as far as a hint needs it: comments and regular expressions are passed over.

/// A piece of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// An identifier or a keyword.
    Word(&'t str),
    /// A string, or a piece of a template literal, as it stands in the source.
    Text(&'t str),
    /// Any other character.
    Sign(char),
}

/// Words after which a slash begins a regular expression.
const BEFORE_REGEX: [&str; 10] =
    ["return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else"];

/// The pieces of a module. What cannot be understood is passed over sign by sign.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { source, at: 0, tokens: Vec::new(), braces: Vec::new() };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'t> {
    source: &'t str,
    at: usize,
    tokens: Vec<Token<'t>>,
    /// For each open brace, whether it is one of a template literal's `${`.
    braces: Vec<bool>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.source[self.at..]
    }

    fn step(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return false };
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
        match first {
            _ if first.is_whitespace() => self.at += first.len_utf8(),
            '/' if rest.starts_with("//") => self.at += rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => {
                self.at += rest[2..].find("*/").map_or(rest.len(), |end| end + 4);
            }
            '/' if self.regex_may_follow() && self.regex() => {}
            '"' | '\'' => self.string(first),
            '`' => {
                self.at += 1;
                self.template();
            }
            '{' => {
                self.braces.push(false);
                self.sign('{');
            }
            '}' => {
                if self.braces.pop() == Some(true) {
                    self.at += 1;
                    self.template();
                } else {
                    self.sign('}');
                }
            }
            _ if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                self.tokens.push(Token::Word(&rest[..length]));
                self.at += length;
            }
            _ => self.sign(first),
        }
        true
    }

    fn sign(&mut self, sign: char) {
        self.tokens.push(Token::Sign(sign));
        self.at += sign.len_utf8();
    }

    /// A string up to its quote, or to the end of the line if it has none.
    fn string(&mut self, quote: char) {
        let start = self.at + 1;
        let mut chars = self.source[start..].char_indices();
        let mut end = self.source.len();
        while let Some((at, c)) = chars.next() {
            if c == '\\' {
                chars.next();
            } else if c == quote || c == '\n' {
                end = start + at;
                break;
            }
        }
        self.tokens.push(Token::Text(&self.source[start..end]));
        self.at = (end + 1).min(self.source.len());
        while !self.source.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// The text of a template literal up to its end or to the next `${`.
    fn template(&mut self) {
        let start = self.at;
        let mut chars = self.source[start..].char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '`' => {
                    self.tokens.push(Token::Text(&self.source[start..start + at]));
                    self.at = start + at + 1;
                    return;
                }
                '$' if chars.peek().is_some_and(|(_, next)| *next == '{') => {
                    self.tokens.push(Token::Text(&self.source[start..start + at]));
                    self.braces.push(true);
                    self.at = start + at + 2;
                    return;
                }
                _ => {}
            }
        }
        self.tokens.push(Token::Text(&self.source[start..]));
        self.at = self.source.len();
    }

    /// Whether a slash here begins a regular expression rather than a division.
    fn regex_may_follow(&self) -> bool {
        match self.tokens.last() {
            None => true,
            Some(Token::Word(word)) => BEFORE_REGEX.contains(word),
            Some(Token::Text(_)) => false,
            Some(Token::Sign(sign)) => !matches!(sign, ')' | ']' | '}'),
        }
    }

    /// Passes over a regular expression, if there is one in this line.
    fn regex(&mut self) -> bool {
        let mut class = false;
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\n' => return false,
                '\\' => drop(chars.next()),
                '[' => class = true,
                ']' => class = false,
                '/' if !class => {
                    self.at += at + 1;
                    // What it matches is no string; it stands for a value, after which a slash divides.
                    self.tokens.push(Token::Text(""));
                    return true;
                }
                _ => {}
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        let texts = tokens(source).into_iter();
        texts.filter_map(|token| if let Token::Text(text) = token { Some(text) } else { None }).collect()
    }

    #[test]
    fn strings_are_told_from_what_surrounds_them() {
        assert_eq!(texts(r#"a("x\"y", 'z') // "no""#), [r#"x\"y"#, "z"]);
        assert_eq!(texts("`a${b + `c${'d'}e`}f`"), ["a", "c", "d", "e", "f"]);
        assert_eq!(texts("x = /\"[/]'/.test(y) / 2 / 'a'"), ["", "a"]);
        assert_eq!(texts("/* 'a' */ 'b"), ["b"]);
        assert_eq!(texts("if (a) { b } 'c'"), ["c"]);
    }

    proptest::proptest! {
        #[test]
        fn any_source_comes_to_an_end(source in "[a-z`'\"/\\\\*${}ä\n\\[\\] ()]{0,60}") {
            let _ = tokens(&source);
        }
    }
}
