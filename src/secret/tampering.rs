//! What somebody may try who can write to a repository and open nothing: change, cut, copy.
//!
//! Whatever is tried, a sealed value opens to the text that was sealed, at its place, or does not open at all.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::error::OpenError;
use super::key::{Key, KeyId};
use super::keyring::Keyring;
use super::place::{Context, Place, bound_key};
use super::sealed::Sealed;
use super::spring::{DEFAULT_SALT, SpringKey};

const SECRET: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";
const PLACE: Place<'static> = Place { rank: "shop-prod", application: Some("shop"), key: "db[0].password" };

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

/// The format of the envelope cannot drift: these were computed by another program, from the description alone.
#[test]
fn known_answers() {
    let known = [
        (
            Context::Prop,
            "{cipher}{v:1}{key:prod}{ctx:prop}AAECAwQFBgcICQoLDA0ODxAREhMUFRYX5BFjDcu_-aOLWQBznkbFq6XkQ04cg6AwJcnmis4tALF8f__sM3nlcI_2AE9wHSU7ViQQbAu8jvULcm-E_5lis84cHNlF66o5TvIkvIBR9IA",
        ),
        (
            Context::App,
            "{cipher}{v:1}{key:prod}{ctx:app}AAECAwQFBgcICQoLDA0ODxAREhMUFRYX5BFjDcu_-aOLWQBznkbFq6XkQ04cg6AwJcnmis4tALF8f__sM3nlcI_2AE9wHSU7ViQQbAu8jvULcm-E_5lis7CZF46SNxwSd6SCvXco0ss",
        ),
        (
            Context::Any,
            "{cipher}{v:1}{key:prod}{ctx:any}AAECAwQFBgcICQoLDA0ODxAREhMUFRYX5BFjDcu_-aOLWQBznkbFq6XkQ04cg6AwJcnmis4tALF8f__sM3nlcI_2AE9wHSU7ViQQbAu8jvULcm-E_5lis-iCcGO4LPgJGYonM77udiY",
        ),
    ];
    for (context, text) in known {
        assert_eq!(seal(context, &PLACE), text);
        assert_eq!(outcome(text, &PLACE), "opens");
    }
}

#[test]
fn every_flipped_bit_of_the_text_is_refused() {
    for context in Context::ALL {
        let text = seal(context, &PLACE);
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(flipped) = String::from_utf8(bytes) else { continue };
                let outcome = outcome(&flipped, &PLACE);
                assert!(!outcome.starts_with("opens"), "bit {bit} of byte {at}: {flipped}");
                assert_eq!(outcome == "not sealed", at < "{cipher}".len(), "bit {bit} of byte {at}: {flipped}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_nonce_body_and_tag_is_refused() {
    let text = seal(Context::Prop, &PLACE);
    let (header, body) = text.rsplit_once('}').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(body).unwrap();
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        let flipped = format!("{header}}}{}", URL_SAFE_NO_PAD.encode(flipped));
        assert_eq!(outcome(&flipped, &PLACE), "cipher-auth", "bit {at}");
    }
}

#[test]
fn a_text_cut_short_anywhere_is_refused() {
    let text = seal(Context::Prop, &PLACE);
    for length in "{cipher}".len()..text.len() {
        assert!(["cipher-malformed", "cipher-auth"].contains(&outcome(&text[..length], &PLACE)), "{length}");
    }
    let spring = RING.seal_for_spring(SECRET, [7; 16]).unwrap();
    for length in "{cipher}".len()..spring.len() {
        assert!(["cipher-malformed", "cipher-auth"].contains(&outcome(&spring[..length], &PLACE)), "{length}");
    }
}

#[test]
fn every_byte_replaced_or_removed_is_refused() {
    let text = seal(Context::Prop, &PLACE);
    for at in "{cipher}".len()..text.len() {
        for other in ["", "A", "a", "0", "-", "=", "}", "\n", "é"].into_iter().filter(|other| text[at..=at] != **other)
        {
            let mut changed = text.clone();
            changed.replace_range(at..=at, other);
            assert!(outcome(&changed, &PLACE).starts_with("cipher-"), "{changed}");
        }
    }
}

#[test]
fn a_copy_opens_only_where_its_context_lets_it() {
    let at = |rank, application, key| Place { rank, application, key };
    let places = [
        ("another element of the list", at("shop-prod", Some("shop"), "db[17].password")),
        ("the same key, spelled otherwise", at("shop-prod", Some("shop"), "[db][0].[password]")),
        ("another key", at("shop-prod", Some("shop"), "ui.banner")),
        ("not in a list", at("shop-prod", Some("shop"), "db.password")),
        ("another profile", at("shop", Some("shop"), "db[0].password")),
        ("another application", at("blog-prod", Some("blog"), "db[0].password")),
        ("for all applications", at("application-prod", None, "db[0].password")),
    ];
    let told: Vec<String> = places
        .iter()
        .map(|(name, place)| {
            let outcomes = Context::ALL.map(|context| outcome(&seal(context, &PLACE), place));
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
            "for all applications: cipher-auth, cipher-misplaced, opens",
        ]
    );
}

#[test]
fn a_looser_context_cannot_be_claimed() {
    for context in Context::ALL {
        for claimed in Context::ALL.into_iter().filter(|claimed| *claimed != context) {
            let (from, to) = (format!("{{ctx:{}}}", context.name()), format!("{{ctx:{}}}", claimed.name()));
            assert_eq!(outcome(&seal(context, &PLACE).replace(&from, &to), &PLACE), "cipher-auth");
        }
    }
}

#[test]
fn equal_texts_show_only_under_equal_nonces() {
    let sealed = |nonce| RING.seal(SECRET, Context::Any, &PLACE, nonce).unwrap();
    let (one, two) = (sealed([1; 24]), sealed([2; 24]));
    let body = |text: &str| URL_SAFE_NO_PAD.decode(text.rsplit_once('}').unwrap().1).unwrap();
    let equal = body(&one).iter().zip(body(&two)).filter(|(one, two)| **one == *two).count();
    assert!(equal < 8, "{equal} bytes of {} are equal", body(&one).len());
}

#[test]
fn what_is_inside_is_not_opened_again() {
    for plain in [seal(Context::Any, &PLACE), "{cipher}".to_owned(), "${db.user}".to_owned(), String::new()] {
        let outer = RING.seal(&plain, Context::Any, &PLACE, [3; 24]).unwrap();
        assert_eq!(open_at(&outer, &PLACE), Some(Ok(plain.clone())));
        let outer = RING.seal_for_spring(&plain, [3; 16]).unwrap();
        assert_eq!(open_at(&outer, &PLACE), Some(Ok(plain)));
    }
}

#[test]
fn nothing_that_is_opened_or_refused_prints_the_secret() {
    let sealed = Sealed::parse(&seal(Context::Any, &PLACE)).unwrap().unwrap();
    let opened = RING.open(&sealed, &PLACE);
    assert_eq!(format!("{opened:?} {sealed:?}"), "Ok(***) Sealed(key prod, ctx any)");
    assert_eq!(
        format!("{:?}", *RING),
        "Keyring { keys: [(KeyId(\"prod\"), ***), (KeyId(\"prof\"), ***), (KeyId(\"prot\"), ***)], seals: 0, spring: Some(***) }"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_back_at_any_place(plain in any::<String>(), rank in any::<String>(), key in any::<String>()) {
        let place = Place { rank: &rank, application: Some(&rank), key: &key };
        for context in Context::ALL {
            let sealed = RING.seal(&plain, context, &place, [5; 24]).unwrap();
            prop_assert_eq!(open_at(&sealed, &place), Some(Ok(plain.clone())));
            let bound = Place { key: &bound_key(&key), ..place };
            prop_assert_eq!(open_at(&sealed, &bound), Some(Ok(plain.clone())));
        }
    }

    #[test]
    fn no_text_that_was_not_sealed_opens(text in r"(\{cipher\}|<cipher>)(\{(v|key|ctx|x):(1|prod|prop|any)\}){0,4}[a-f0-9]{0,200}.{0,9}") {
        prop_assert!(outcome(&text, &PLACE).starts_with("cipher-"));
    }

    #[test]
    fn a_bound_key_is_bound_to_itself(path in r"[a0.\[\]]{0,12}") {
        let bound = bound_key(&path);
        prop_assert_eq!(bound_key(&bound), bound);
    }
}
