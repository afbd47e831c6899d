//! Whether a page is sound: every element closed in order, every reference to an id met, every field labelled, nothing from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

/// Elements that have no end.
const VOID: [&str; 6] = ["br", "img", "input", "link", "meta", "hr"];
/// Elements of a picture, which may end at once.
const PICTURE: [&str; 2] = ["line", "rect"];

/// One start tag.
struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
}

/// Fails with everything that is wrong with a page.
pub(super) fn assert_sound(page: &str, what: &str) {
    let mut wrong = Vec::new();
    let (tags, texts) = tags(page, &mut wrong);
    if !page.trim_start().starts_with("<!doctype html>") {
        wrong.push("no doctype".to_owned());
    }
    let mut ids = BTreeSet::new();
    for id in tags.iter().filter_map(|tag| tag.attributes.get("id")) {
        if !ids.insert(id.as_str()) {
            wrong.push(format!("the id {id} occurs twice"));
        }
    }
    for tag in &tags {
        for name in ["for", "aria-labelledby"] {
            for id in tag.attributes.get(name).into_iter().flat_map(|ids| ids.split(' ')) {
                if !ids.contains(id) {
                    wrong.push(format!("{name} names {id}, which is not there"));
                }
            }
        }
        check(tag, &tags, &mut wrong);
    }
    if tags.iter().filter(|tag| tag.name == "h1").count() != 1 {
        wrong.push("not one h1".to_owned());
    }
    if !texts.contains("Vestibule") {
        wrong.push("nothing to read".to_owned());
    }
    assert!(wrong.is_empty(), "{what}:\n  {}\n{page}", wrong.join("\n  "));
}

fn check(tag: &Tag, tags: &[Tag], wrong: &mut Vec<String>) {
    let get = |name: &str| tag.attributes.get(name).map(String::as_str);
    for name in tag.attributes.keys() {
        if name == "style" || name.starts_with("on") {
            wrong.push(format!("{name} in <{}>", tag.name));
        }
    }
    for name in ["href", "src", "action", "data-from"] {
        let foreign = |place: &str| place.contains(':') || place.starts_with("//");
        if get(name).is_some_and(foreign) {
            wrong.push(format!("<{}> leads elsewhere: {:?}", tag.name, get(name)));
        }
    }
    let labelled = |tag: &Tag| {
        let id = tag.attributes.get("id");
        tags.iter().any(|label| label.name == "label" && label.attributes.get("for") == id && id.is_some())
    };
    let fault = match tag.name.as_str() {
        "html" => get("lang").is_none().then_some("no language"),
        "img" => get("alt").is_none().then_some("no alternative"),
        "input" if get("type") == Some("hidden") => None,
        "input" | "select" | "textarea" => (!labelled(tag)).then_some("no label"),
        "script" => get("src").is_none().then_some("inline"),
        "style" => Some("inline"),
        "svg" if get("role") == Some("img") => get("aria-label").is_none().then_some("no label"),
        "th" => get("scope").is_none().then_some("no scope"),
        _ => None,
    };
    wrong.extend(fault.map(|fault| format!("<{}> has {fault}", tag.name)));
}

/// All start tags in order, and all text.
fn tags(page: &str, wrong: &mut Vec<String>) -> (Vec<Tag>, String) {
    let (mut tags, mut open, mut texts) = (Vec::new(), Vec::<String>::new(), String::new());
    let mut rest = page.trim_start().strip_prefix("<!doctype html>").unwrap_or(page);
    while let Some((text, after)) = rest.split_once('<') {
        texts.push_str(text);
        if text.contains('>') {
            wrong.push(format!("a stray > in {text:?}"));
        }
        let Some((inside, after)) = after.split_once('>') else {
            wrong.push("a tag without end".to_owned());
            break;
        };
        rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                wrong.push(format!("</{name}> closes something else"));
            }
            continue;
        }
        let closed = inside.ends_with('/');
        let tag = read(inside.trim_end_matches('/'), wrong);
        let ends = VOID.contains(&tag.name.as_str()) || (closed && PICTURE.contains(&tag.name.as_str()));
        if !ends {
            open.push(tag.name.clone());
        }
        tags.push(tag);
    }
    if !open.is_empty() {
        wrong.push(format!("never closed: {open:?}"));
    }
    (tags, texts)
}

fn read(inside: &str, wrong: &mut Vec<String>) -> Tag {
    let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let (attribute, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => {
                if after.starts_with('=') {
                    wrong.push(format!("{attribute} of <{name}> is not quoted"));
                }
                ("", after.trim_start_matches('='))
            }
        };
        if attributes.insert(attribute.to_owned(), value.to_owned()).is_some() {
            wrong.push(format!("{attribute} of <{name}> stands there twice"));
        }
        rest = after;
    }
    let sound = |c: char| c.is_ascii_alphanumeric();
    if name.is_empty() || !name.chars().all(sound) {
        wrong.push(format!("<{name}> is no element"));
    }
    Tag { name: name.to_owned(), attributes }
}

#[test]
fn what_is_wrong_is_found() {
    let page = |body: &str| {
        format!(
            "<!doctype html><html lang=\"en\"><head><title>Vestibule</title></head><body><h1>x</h1>{body}</body></html>"
        )
    };
    assert_sound(&page("<p>a &lt; b</p>"), "a sound page");
    for bad in [
        "<p>x",
        "<p>x</b></p>",
        "<p onclick=\"x\">x</p>",
        "<script>1</script>",
        "<input id=\"a\">",
        "<a href=\"https://evil.example/\">x</a>",
        "<p id=\"a\"></p><p id=\"a\"></p>",
        "<h1>2</h1>",
        "<img src=\"/x\">",
        "a > b",
    ] {
        let text = page(bad);
        let found = std::panic::catch_unwind(|| assert_sound(&text, "bad"));
        assert!(found.is_err(), "{bad}");
    }
}
