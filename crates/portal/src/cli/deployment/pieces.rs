//! The items of `deployment new`: each of `--dashboard`, `--card`, `--automation`, `--script` and `--delete` begins one, in the order in
//! which they stand; `--url-path`, `--base` and the like belong to the one before them.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use vestibule_protocol::deployment::Base;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::limits;
use vestibule_protocol::problem::Problem;

use crate::author::design::{Looks, Piece, What, Which};
use crate::author::files;

/// All items, files unread.
#[derive(Debug, Clone, Default)]
pub(super) struct Pieces(Vec<Wanted>);

/// One item as it stands on the command line.
#[derive(Debug, Clone)]
struct Wanted {
    begin: Begin,
    place: Option<Which>,
    looks: Looks,
    base: Option<Base>,
}

#[derive(Debug, Clone)]
enum Begin {
    Dashboard(PathBuf),
    Card(Named),
    Automation(Named),
    Script(Named),
    Delete(Gone),
}

/// `NAME=FILE`
#[derive(Debug, Clone)]
struct Named(String, PathBuf);

/// `KIND/ID`
#[derive(Debug, Clone)]
enum Gone {
    Thing(OpaqueId),
    Card(String),
}

/// What belongs to the item before it.
#[derive(Debug, Clone)]
enum More {
    Place(Which),
    Title(String),
    Icon(String),
    Sidebar(bool),
    Admin(bool),
    Base(Base),
}

enum Word {
    Begin(Begin),
    More(&'static str, More),
}

impl Pieces {
    /// Reads the files.
    pub(super) fn read(self) -> Result<Vec<Piece>, Problem> {
        self.0.into_iter().map(Wanted::read).collect()
    }
}

impl Wanted {
    fn read(self) -> Result<Piece, Problem> {
        let content =
            |file: &PathBuf| files::text(file, limits::CONTENT_BYTES).map(|text| text.trim().to_owned());
        let what = match self.begin {
            Begin::Dashboard(file) => {
                // `from_arg_matches` has seen that there is one.
                let which = self.place.unwrap_or_else(|| Which::New(String::new()));
                What::Dashboard { which, looks: self.looks, content: content(&file)? }
            }
            Begin::Card(Named(element, file)) => {
                What::Card { element, module: files::text(&file, limits::CARD_BYTES)? }
            }
            Begin::Automation(Named(id, file)) => {
                What::Automation(which(id, Thing::Automation), content(&file)?)
            }
            Begin::Script(Named(id, file)) => What::Script(which(id, Thing::Script), content(&file)?),
            Begin::Delete(Gone::Thing(id)) => What::Delete(id),
            Begin::Delete(Gone::Card(element)) => What::DeleteCard(element),
        };
        Ok(Piece { what, base: self.base })
    }

    fn add(&mut self, flag: &str, more: More) -> Result<(), clap::Error> {
        let is_dashboard = matches!(self.begin, Begin::Dashboard(_));
        if !is_dashboard && !matches!(more, More::Base(_)) {
            return Err(usage(format!("--{flag} belongs to a --dashboard")));
        }
        let twice = match more {
            More::Place(which) => self.place.replace(which).is_some(),
            More::Title(title) => self.looks.title.replace(title).is_some(),
            More::Icon(icon) => self.looks.icon.replace(icon).is_some(),
            More::Sidebar(shown) => std::mem::replace(&mut self.looks.hidden, !shown),
            More::Admin(only) => std::mem::replace(&mut self.looks.admin, only),
            More::Base(base) => self.base.replace(base).is_some(),
        };
        if twice { Err(usage(format!("--{flag} stands twice for one item"))) } else { Ok(()) }
    }
}

/// An opaque id names what is there; any other word is the name of something new.
fn which(id: String, thing: Thing) -> Which {
    match id.parse::<OpaqueId>() {
        Ok(existing) if existing.thing == thing => Which::Existing(existing),
        _ => Which::New(id),
    }
}

fn usage(what: String) -> clap::Error {
    clap::Error::raw(ErrorKind::ArgumentConflict, format!("{what}\n"))
}

fn named(text: &str) -> Result<Named, String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok(Named(name.to_owned(), PathBuf::from(file)))
        }
        _ => Err("write NAME=FILE".to_owned()),
    }
}

fn gone(text: &str) -> Result<Gone, String> {
    const FORM: &str = "write dashboard/b_…, automation/m_…, script/s_… or card/NAME";
    let (kind, id) = text.split_once('/').ok_or(FORM)?;
    let thing = match kind {
        "card" if !id.is_empty() => return Ok(Gone::Card(id.to_owned())),
        "dashboard" => Thing::Dashboard,
        "automation" => Thing::Automation,
        "script" => Thing::Script,
        _ => return Err(FORM.to_owned()),
    };
    id.parse().ok().filter(|id: &OpaqueId| id.thing == thing).map(Gone::Thing).ok_or_else(|| FORM.to_owned())
}

fn board(text: &str) -> Result<OpaqueId, String> {
    let id = text.parse().ok().filter(|id: &OpaqueId| id.thing == Thing::Dashboard);
    id.ok_or_else(|| "not the id of a dashboard (b_ and 13 characters)".to_owned())
}

fn words(matches: &ArgMatches) -> Vec<Word> {
    let mut words: Vec<(usize, Word)> = Vec::new();
    begins(matches, "dashboard", &mut words, |file: &PathBuf| Begin::Dashboard(file.clone()));
    begins(matches, "card", &mut words, |named: &Named| Begin::Card(named.clone()));
    begins(matches, "automation", &mut words, |named: &Named| Begin::Automation(named.clone()));
    begins(matches, "script", &mut words, |named: &Named| Begin::Script(named.clone()));
    begins(matches, "delete", &mut words, |gone: &Gone| Begin::Delete(gone.clone()));
    let mut more = |flag, found: Vec<(usize, More)>| {
        words.extend(found.into_iter().map(|(at, more)| (at, Word::More(flag, more))));
    };
    more("url-path", values(matches, "url-path", |path: &String| More::Place(Which::New(path.clone()))));
    more("dashboard-id", values(matches, "dashboard-id", |id: &OpaqueId| More::Place(Which::Existing(*id))));
    more("dashboard-title", values(matches, "dashboard-title", |title: &String| More::Title(title.clone())));
    more("icon", values(matches, "icon", |icon: &String| More::Icon(icon.clone())));
    more("sidebar", values(matches, "sidebar", |shown: &bool| More::Sidebar(*shown)));
    more("admin-only", values(matches, "admin-only", |only: &bool| More::Admin(*only)));
    more("base", values(matches, "base", |base: &Base| More::Base(*base)));
    words.sort_by_key(|(at, _)| *at);
    words.into_iter().map(|(_, word)| word).collect()
}

fn begins<T: Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    flag: &str,
    words: &mut Vec<(usize, Word)>,
    begin: impl Fn(&T) -> Begin,
) {
    words.extend(values(matches, flag, begin).into_iter().map(|(at, begin)| (at, Word::Begin(begin))));
}

fn values<T: Clone + Send + Sync + 'static, U>(
    matches: &ArgMatches,
    flag: &str,
    make: impl Fn(&T) -> U,
) -> Vec<(usize, U)> {
    let at = matches.indices_of(flag).into_iter().flatten();
    at.zip(matches.get_many::<T>(flag).into_iter().flatten().map(make)).collect()
}

impl FromArgMatches for Pieces {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut pieces: Vec<Wanted> = Vec::new();
        let mut early = Vec::new();
        for word in words(matches) {
            match (word, pieces.last_mut()) {
                (Word::Begin(begin), _) => {
                    pieces.push(Wanted { begin, place: None, looks: Looks::default(), base: None });
                }
                (Word::More(flag, more), Some(piece)) => piece.add(flag, more)?,
                // Before the first item: meant for it.
                (Word::More(flag, more), None) => early.push((flag, more)),
            }
        }
        if let Some(first) = pieces.first_mut() {
            early.into_iter().try_for_each(|(flag, more)| first.add(flag, more))?;
        }
        let lost = |piece: &Wanted| matches!(piece.begin, Begin::Dashboard(_)) && piece.place.is_none();
        if pieces.iter().any(lost) {
            return Err(usage(
                "each --dashboard needs a --url-path (new) or a --dashboard-id (existing)".into(),
            ));
        }
        Ok(Self(pieces))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Pieces {
    fn augment_args(command: Command) -> Command {
        let arg = |name: &'static str, value: &'static str, help: &'static str| {
            Arg::new(name)
                .long(name)
                .value_name(value)
                .help(help)
                .action(ArgAction::Append)
                .help_heading("Items, in their order")
        };
        let text = NonEmptyStringValueParser::new;
        command
            .arg(
                arg("dashboard", "FILE.json", "Create or replace a dashboard with this configuration")
                    .value_parser(value_parser!(PathBuf)),
            )
            .arg(
                arg("url-path", "P", "Path of the new dashboard before it, such as kitchen-board")
                    .value_parser(text()),
            )
            .arg(
                arg("dashboard-id", "ID", "Existing dashboard that the one before it replaces (b_…)")
                    .value_parser(board),
            )
            .arg(
                arg(
                    "dashboard-title",
                    "TEXT",
                    "Its title in the sidebar; for a new one the deployment's by default",
                )
                .value_parser(text()),
            )
            .arg(arg("icon", "ICON", "Its icon, such as mdi:sofa").value_parser(text()))
            .arg(arg("sidebar", "BOOL", "Whether it stands in the sidebar").value_parser(value_parser!(bool)))
            .arg(
                arg("admin-only", "BOOL", "Whether only administrators see it")
                    .value_parser(value_parser!(bool)),
            )
            .arg(
                arg("card", "NAME=FILE.js", "Add or replace a custom card: element and module")
                    .value_parser(named),
            )
            .arg(
                arg("automation", "ID=FILE.json", "Create (any id) or replace (m_…) an automation")
                    .value_parser(named),
            )
            .arg(
                arg("script", "ID=FILE.json", "Create (any key) or replace (s_…) a script")
                    .value_parser(named),
            )
            .arg(
                arg("delete", "KIND/ID", "Delete dashboard/b_…, automation/m_…, script/s_… or card/NAME")
                    .value_parser(gone),
            )
            .arg(
                arg(
                    "base",
                    "HASH",
                    "What the item before it was designed against, or none; default: as the portal knows it",
                )
                .value_parser(value_parser!(Base)),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(arguments: &[&str]) -> Result<Vec<Wanted>, String> {
        let command = Pieces::augment_args(Command::new("x").no_binary_name(true));
        let matches = command.try_get_matches_from(arguments).map_err(|error| error.to_string())?;
        Pieces::from_arg_matches(&matches).map(|pieces| pieces.0).map_err(|error| error.to_string())
    }

    #[test]
    fn options_belong_to_the_item_before_them() {
        let pieces = pieces(&[
            "--dashboard",
            "a.json",
            "--url-path",
            "a-b",
            "--icon",
            "mdi:sofa",
            "--card",
            "acme-clock=c.js",
            "--base",
            "none",
            "--dashboard",
            "b.json",
            "--dashboard-id",
            "b_aaaaaaaaaaaaa",
            "--admin-only",
            "true",
            "--delete",
            "script/s_aaaaaaaaaaaaa",
        ])
        .unwrap();
        let text: Vec<String> = pieces.iter().map(|piece| format!("{piece:?}")).collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    #[test]
    fn a_single_item_may_come_last() {
        let pieces = pieces(&["--url-path", "a-b", "--dashboard", "a.json"]).unwrap();
        assert!(matches!(&pieces[0].place, Some(Which::New(path)) if path == "a-b"));
    }

    #[test]
    fn what_belongs_to_nothing_is_a_usage_error() {
        for arguments in [
            &["--dashboard", "a.json"][..],
            &["--card", "acme-clock=c.js", "--url-path", "a-b"],
            &["--card", "acme-clock"],
            &["--delete", "room/a_aaaaaaaaaaaaa"],
            &["--delete", "dashboard/m_aaaaaaaaaaaaa"],
            &["--dashboard", "a.json", "--dashboard-id", "kitchen"],
            &["--dashboard", "a.json", "--url-path", "a-b", "--url-path", "c-d"],
            &["--card", "a-b=c.js", "--base", "short"],
        ] {
            assert!(pieces(arguments).is_err(), "{arguments:?}");
        }
    }
}
