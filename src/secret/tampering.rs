//! What somebody may try who can write to a repository and open nothing: change, cut, copy.
//!
//! Whatever is tried, a sealed value opens to the text that was sealed, at its place, or does not open at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::envelope::{Version, associated_data};
use super::error::OpenError;
use super::key::{Key, KeyId};
use super::keyring::Keyring;
use super::place::{Context, Place, bound_key};
use super::sealed::Sealed;
use super::spring::{DEFAULT_SALT, SpringKey};
use crate::config::address::Address;
use crate::config::select::{Rank, SearchPaths, stems};

const SECRET: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";

static RANK: LazyLock<Rank> = LazyLock::new(|| Rank::named("shop", Some("prod")));

fn here() -> Place<'static> {
    Place::of(&RANK, "db[0].password")
}

/// Two flips of `prod` meet the id of another key.
static RING: LazyLock<Keyring> = LazyLock::new(|| {
    let key = |id, step: usize| {
        (KeyId::new(id).unwrap(), Key::from_bytes(std::array::from_fn(|at| (at * at + step) as u8)).unwrap())
    };
    let spring = SpringKey::new("correct horse battery staple", DEFAULT_SALT).unwrap();
    Keyring::new(vec![key("prod", 7), key("prof", 8), key("prot", 9)], None, Some(spring)).unwrap()
});

fn seal(context: Context, place: &Place<'_>) -> String {
    RING.seal(SECRET, context, place, std::array::from_fn(|at| at as u8)).unwrap()
}

/// `None`: the text is not sealed at all, so there is nothing to open.
fn open_at(text: &str, place: &Place<'_>) -> Option<Result<String, OpenError>> {
    let sealed = Sealed::parse(text)?;
    Some(sealed.and_then(|sealed| RING.open(&sealed, place)).map(|plain| plain.expose().to_owned()))
}

/// The code of the refusal, `opens`, or `not sealed`.
fn outcome(text: &str, place: &Place<'_>) -> &'static str {
    match open_at(text, place) {
        Some(Ok(plain)) if plain == SECRET => "opens",
        Some(Ok(_)) => "opens to another text",
        Some(Err(error)) => {
            assert!(!format!("{error} {error:?} {}", error.hint()).contains("hunter2"), "{error}");
            error.code()
        }
        None => "not sealed",
    }
}

/// Nonce and text of the known answers; tags follow.
const KNOWN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX5BFjDcu_-aOLWQBznkbFq6XkQ04cg6AwJcnmis4tALF8f__sM3nlcI_2AE9wHSU7ViQQbAu8jvULcm-E_5li";

/// The format of the envelope cannot drift: these were computed by another program, from the description alone.
#[test]
fn known_answers() {
    let tags = [
        (Context::Prop, "swxgp82KGgdl7xNtbmqqhU8"),
        (Context::App, "s3U6I78VHkSVcJ0i-4mdSXQ"),
        (Context::Any, "s2StUP-whhMfTLpFtDlnXC8"),
    ];
    for (context, tag) in tags {
        let text = format!("{{cipher}}{{v:2}}{{key:prod}}{{ctx:{}}}{KNOWN}{tag}", context.name());
        assert_eq!(seal(context, &here()), text);
        assert_eq!(outcome(&text, &here()), "opens");
    }
    let paths = SearchPaths::default();
    let (file, folder) = (paths.rank("", "shop-prod"), paths.rank("shop", "shop"));
    for (rank, tag) in [(file, "syXu7vK2mR2VSTwAuiTGAew"), (folder, "syBw4GMcZB-LicVqgqVaj7E")] {
        let text = seal(Context::Prop, &Place::of(&rank, "db[0].password"));
        assert_eq!(text, format!("{{cipher}}{{v:2}}{{key:prod}}{{ctx:prop}}{KNOWN}{tag}"));
    }
}

/// Version 1 is read for ever, and never written.
#[test]
fn known_answers_of_version_1_open() {
    let tags = [
        (Context::Prop, "s84cHNlF66o5TvIkvIBR9IA"),
        (Context::App, "s7CZF46SNxwSd6SCvXco0ss"),
        (Context::Any, "s-iCcGO4LPgJGYonM77udiY"),
    ];
    for (context, tag) in tags {
        let text = format!("{{cipher}}{{v:1}}{{key:prod}}{{ctx:{}}}{KNOWN}{tag}", context.name());
        assert_eq!(outcome(&text, &here()), "opens");
        assert_eq!(outcome(&text.replace("{v:1}", "{v:2}"), &here()), "cipher-auth");
        let doubtful = Sealed::parse(&text).unwrap().unwrap().doubtful_text(&here()).map(str::to_owned);
        assert_eq!(doubtful.as_deref(), (context == Context::Prop).then_some("shop-prod"));
    }
    for context in Context::ALL {
        assert_eq!(outcome(&seal(context, &here()).replace("{v:2}", "{v:1}"), &here()), "cipher-auth");
    }
}

/// The places of which version 1 took one for the other: each with itself, and with every other one.
#[test]
fn no_place_is_confused_with_another() {
    let paths = SearchPaths::default();
    let places = [
        ("(user, service)", Rank::named("user", Some("service"))),
        ("user/application-service.yml", paths.rank("user", "application-service")),
        ("user-service/application.yml", paths.rank("user-service", "application")),
        ("user-service/user-service.yml", paths.rank("user-service", "user-service")),
        ("user-service.yml", paths.rank("", "user-service")),
        ("(a, b-c)", Rank::named("a", Some("b-c"))),
        ("(a-b, c)", Rank::named("a-b", Some("c"))),
        ("(a-b-c)", Rank::named("a-b-c", None)),
        ("a-b-c.yml", paths.rank("", "a-b-c")),
        ("application.yml", Rank::named("application", None)),
        ("application/application.yml", paths.rank("application", "application")),
        ("application-x.yml", Rank::named("application", Some("x"))),
        ("application-x/application.yml", paths.rank("application-x", "application")),
        ("application/application-x.yml", paths.rank("application", "application-x")),
        ("application-x/application-x.yml", paths.rank("application-x", "application-x")),
    ];
    let alike = [
        ("(user, service)", "user/application-service.yml"),
        ("user-service/application.yml", "user-service/user-service.yml"),
    ];
    let opens = |text: &str, rank: &Rank| outcome(text, &Place::of(rank, "a")) == "opens";
    for (from, rank) in &places {
        let [prop, app] = [Context::Prop, Context::App].map(|context| seal(context, &Place::of(rank, "a")));
        for (to, other) in &places {
            let is_alike = from == to || alike.contains(&(from, to)) || alike.contains(&(to, from));
            assert_eq!(opens(&prop, other), is_alike, "{from} to {to}");
            let of_one = rank.target.without_profile() == other.target.without_profile();
            assert_eq!(opens(&app, other), of_one, "{from} to {to}, by application");
        }
    }
}

/// Where a value opens that was sealed for a file, the same addresses are answered, whatever names are chosen: told by the
/// rules of selection, which know nothing of sealed values.
#[test]
fn a_value_opens_for_the_same_readers_only() {
    const NAMES: [&str; 9] = ["a", "b", "a-b", "b-c", "a-b-c", "c", "application", "application-a", "application-a-b"];
    const PROFILES: [&str; 7] = ["a", "b", "c", "a-b", "b-c", "a-b-c", "x"];
    let paths = SearchPaths::default();
    let mut readers: BTreeMap<String, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for name in NAMES {
        for profile in PROFILES {
            let address = Address::parse(name, Some(profile), None).unwrap();
            for stem in stems(&address, &paths) {
                readers.entry(stem).or_default().insert((name, profile));
            }
        }
    }
    let id = KeyId::new("prod").unwrap();
    let data = |stem: &str, context| {
        let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
        associated_data(Version::Two, &id, context, &Place::of(&paths.rank(folder, name), "a")).unwrap()
    };
    let files: Vec<_> =
        readers.iter().map(|(stem, readers)| (data(stem, Context::Prop), data(stem, Context::App), readers)).collect();
    assert!(files.len() > 150, "{}", files.len());
    let applications = |readers: &BTreeSet<(&'static str, &'static str)>| {
        readers.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>()
    };
    let mut alike = 0;
    for (prop, app, readers) in &files {
        for (other_prop, other_app, others) in &files {
            assert!(prop != other_prop || readers == others, "{readers:?} {others:?}");
            assert!(app != other_app || applications(readers) == applications(others), "{readers:?} {others:?}");
            alike += usize::from(prop == other_prop);
        }
    }
    assert!(alike > files.len(), "a file may move to the folder of its service");
}

#[test]
fn every_flipped_bit_of_the_text_is_refused() {
    for context in Context::ALL {
        let text = seal(context, &here());
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(flipped) = String::from_utf8(bytes) else { continue };
                let outcome = outcome(&flipped, &here());
                assert!(!outcome.starts_with("opens"), "bit {bit} of byte {at}: {flipped}");
                assert_eq!(outcome == "not sealed", at < "{cipher}".len(), "bit {bit} of byte {at}: {flipped}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_nonce_body_and_tag_is_refused() {
    let text = seal(Context::Prop, &here());
    let (header, body) = text.rsplit_once('}').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(body).unwrap();
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        let flipped = format!("{header}}}{}", URL_SAFE_NO_PAD.encode(flipped));
        assert_eq!(outcome(&flipped, &here()), "cipher-auth", "bit {at}");
    }
}

#[test]
fn a_text_cut_short_anywhere_is_refused() {
    let text = seal(Context::Prop, &here());
    for length in "{cipher}".len()..text.len() {
        assert!(["cipher-malformed", "cipher-auth"].contains(&outcome(&text[..length], &here())), "{length}");
    }
    let spring = RING.seal_for_spring(SECRET, [7; 16]).unwrap();
    for length in "{cipher}".len()..spring.len() {
        assert!(["cipher-malformed", "cipher-auth"].contains(&outcome(&spring[..length], &here())), "{length}");
    }
}

#[test]
fn every_byte_replaced_or_removed_is_refused() {
    let text = seal(Context::Prop, &here());
    for at in "{cipher}".len()..text.len() {
        for other in ["", "A", "a", "0", "-", "=", "}", "\n", "é"].into_iter().filter(|other| text[at..=at] != **other)
        {
            let mut changed = text.clone();
            changed.replace_range(at..=at, other);
            assert!(outcome(&changed, &here()).starts_with("cipher-"), "{changed}");
        }
    }
}

#[test]
fn a_copy_opens_only_where_its_context_lets_it() {
    let (profile, application) = (Rank::named("shop", None), Rank::named("blog", Some("prod")));
    let shared = Rank::named("application", Some("prod"));
    let places = [
        ("another element of the list", Place::of(&RANK, "db[17].password")),
        ("the same key, spelled otherwise", Place::of(&RANK, "[db][0].[password]")),
        ("another key", Place::of(&RANK, "ui.banner")),
        ("not in a list", Place::of(&RANK, "db.password")),
        ("another profile", Place::of(&profile, "db[0].password")),
        ("another application", Place::of(&application, "db[0].password")),
        ("for all applications", Place::of(&shared, "db[0].password")),
        ("nowhere", Place { rank: "", application: None, target: None, key: "db[0].password" }),
    ];
    let told: Vec<String> = places
        .iter()
        .map(|(name, place)| {
            let outcomes = Context::ALL.map(|context| outcome(&seal(context, &here()), place));
            format!("{name}: {}", outcomes.join(", "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "another element of the list: opens, opens, opens",
            "the same key, spelled otherwise: opens, opens, opens",
            "another key: cipher-auth, opens, opens",
            "not in a list: cipher-auth, opens, opens",
            "another profile: cipher-auth, opens, opens",
            "another application: cipher-auth, cipher-auth, opens",
            "for all applications: cipher-auth, cipher-auth, opens",
            "nowhere: cipher-auth, cipher-misplaced, opens",
        ]
    );
}

#[test]
fn a_looser_context_cannot_be_claimed() {
    for context in Context::ALL {
        for claimed in Context::ALL.into_iter().filter(|claimed| *claimed != context) {
            let (from, to) = (format!("{{ctx:{}}}", context.name()), format!("{{ctx:{}}}", claimed.name()));
            assert_eq!(outcome(&seal(context, &here()).replace(&from, &to), &here()), "cipher-auth");
        }
    }
}

#[test]
fn equal_texts_show_only_under_equal_nonces() {
    let sealed = |nonce| RING.seal(SECRET, Context::Any, &here(), nonce).unwrap();
    let (one, two) = (sealed([1; 24]), sealed([2; 24]));
    let body = |text: &str| URL_SAFE_NO_PAD.decode(text.rsplit_once('}').unwrap().1).unwrap();
    let equal = body(&one).iter().zip(body(&two)).filter(|(one, two)| **one == *two).count();
    assert!(equal < 8, "{equal} bytes of {} are equal", body(&one).len());
}

#[test]
fn what_is_inside_is_not_opened_again() {
    for plain in [seal(Context::Any, &here()), "{cipher}".to_owned(), "${db.user}".to_owned(), String::new()] {
        let outer = RING.seal(&plain, Context::Any, &here(), [3; 24]).unwrap();
        assert_eq!(open_at(&outer, &here()), Some(Ok(plain.clone())));
        let outer = RING.seal_for_spring(&plain, [3; 16]).unwrap();
        assert_eq!(open_at(&outer, &here()), Some(Ok(plain)));
    }
}

#[test]
fn nothing_that_is_opened_or_refused_prints_the_secret() {
    let sealed = Sealed::parse(&seal(Context::Any, &here())).unwrap().unwrap();
    let opened = RING.open(&sealed, &here());
    assert_eq!(format!("{opened:?} {sealed:?}"), "Ok(***) Sealed(key prod, ctx any)");
    assert_eq!(
        format!("{:?}", *RING),
        "Keyring { keys: [(KeyId(\"prod\"), ***), (KeyId(\"prof\"), ***), (KeyId(\"prot\"), ***)], seals: 0, spring: Some(***) }"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_back_at_any_place(plain in any::<String>(), rank in any::<String>(), key in any::<String>()) {
        let rank = Rank::named(&rank, None);
        let place = Place::of(&rank, &key);
        for context in Context::ALL {
            let sealed = RING.seal(&plain, context, &place, [5; 24]).unwrap();
            prop_assert_eq!(open_at(&sealed, &place), Some(Ok(plain.clone())));
            let bound = Place { key: &bound_key(&key), ..place };
            prop_assert_eq!(open_at(&sealed, &bound), Some(Ok(plain.clone())));
        }
    }

    #[test]
    fn no_text_that_was_not_sealed_opens(text in r"(\{cipher\}|<cipher>)(\{(v|key|ctx|x):(1|prod|prop|any)\}){0,4}[a-f0-9]{0,200}.{0,9}") {
        prop_assert!(outcome(&text, &here()).starts_with("cipher-"));
    }

    #[test]
    fn a_bound_key_is_bound_to_itself(path in r"[a0.\[\]]{0,12}") {
        let bound = bound_key(&path);
        prop_assert_eq!(bound_key(&bound), bound);
    }
}
