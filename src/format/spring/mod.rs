//! Files as Spring's loader reads them: every document becomes flat keys with scalar values.
//!
//! The grammars are those of the formats next door (YAML by the rules of YAML 1.1); here a nested document is flattened
//! and the keys that steer the loader are found.

pub(crate) mod dump;
mod flatten;
pub(crate) mod json;
mod pen;
mod steer;
mod style;
pub(crate) mod xml;

use crate::config::layer::{Body, Document, Entry};
use crate::config::problem::{Fault, Position};

use super::{Format, Limits, properties, yaml};

/// The documents of a file that are not empty, numbered from 0.
///
/// # Errors
/// The first fault of the file.
pub(super) fn read(format: Format, bytes: &[u8], limits: &Limits) -> Result<Body, Fault> {
    let documents = match format {
        Format::Yaml => flatten::documents(yaml::read_spring(bytes, limits)?, limits)?,
        Format::Properties => properties::read_spring(bytes, limits)?,
        Format::Xml => xml::read(bytes, limits)?,
        Format::Json | Format::Toml => {
            let message = "Spring reads no property sources of this format";
            return Err(Fault::error("unreadable-format", Position::new(1, 1), message));
        }
    };
    let numbered = (0..).zip(documents).map(|(number, root)| finish(number, root));
    Ok(Body { documents: numbered.collect::<Result<_, _>>()?, faults: Vec::new() })
}

fn finish(number: u32, root: Vec<Entry>) -> Result<Document, Fault> {
    let (condition, steering) = steer::read(&root)?;
    Ok(Document { number, root, condition, steering })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flat keys of a file, a line for each document; or the place and code of its fault.
    fn flat(format: Format, text: &str) -> String {
        match read(format, text.as_bytes(), &Limits::default()) {
            Err(fault) => format!("{}:{} {}", fault.at.line, fault.at.column, fault.code),
            Ok(body) => {
                let value = |entry: &Entry| json::write(&entry.node.data.to_value());
                let entry = |entry: &Entry| format!("{}={}", entry.key.written(), value(entry));
                let document = |document: &Document| document.root.iter().map(entry).collect::<Vec<_>>().join(" ");
                body.documents.iter().map(document).collect::<Vec<_>>().join("\n")
            }
        }
    }

    fn yaml(text: &str) -> String {
        flat(Format::Yaml, text)
    }

    fn steering(text: &str) -> String {
        let body = read(Format::Yaml, text.as_bytes(), &Limits::default()).unwrap();
        format!("{:?}", body.documents[0].steering).replace("Steering ", "")
    }

    #[test]
    fn nested_documents_become_flat_keys() {
        assert_eq!(yaml("a: {b: 1, c: [x, {d: ~}, [y]]}"), r#"a.b=1 a.c[0]="x" a.c[1].d="" a.c[2][0]="y""#);
        assert_eq!(yaml("a: {'[x.y]': 1, 2: z}\non: 1"), r#"a[x.y]=1 a[2]="z" [true]=1"#);
        assert_eq!(yaml("a: []\nb: {}\nc: [{}, '']\n'': {d: 1}"), r#"a="" c[1]="" d=1"#);
        assert_eq!(yaml("a: {b: 1}\na.b: 2\nc: 3"), "a.b=2 c=3");
        assert_eq!(yaml("{}"), "");
    }

    #[test]
    fn documents_that_are_no_map_have_a_key_of_their_own() {
        assert_eq!(
            yaml("- a\n- b: 1\n---\n42\n---\n~\n---\n[]\n--- \n"),
            "document[0]=\"a\" document[1].b=1\ndocument=42"
        );
    }

    #[test]
    fn several_merge_keys_in_a_map_are_merged_in_turn() {
        let anchors = "a: &a {k: 0, s: a}\nb: &b {l: 1, s: b}\n";
        let merged = |map: &str| yaml(&format!("{anchors}m:\n{map}")).split_once("m.").unwrap().1.to_owned();
        assert_eq!(merged("  <<: *a\n  own: 1\n  <<: *b"), r#"k=0 m.s="a" m.own=1 m.l=1"#);
        assert_eq!(merged("  s: mine\n  <<: *a\n  <<: *b"), r#"s="mine" m.k=0 m.l=1"#);
        assert_eq!(merged("  <<: *a\n  s: last\n  <<: *b"), r#"k=0 m.s="last" m.l=1"#);
        assert_eq!(merged("  <<: [*a, *b]\n  <<: {s: inline, z: 9}"), r#"k=0 m.s="inline" m.l=1 m.z=9"#);
        assert_eq!(merged("  <<: [{s: inline}, *a]\n  s: own"), r#"s="own" m.k=0"#);
        let native = crate::format::read(Format::Yaml, b"a: &a {k: 0}\nm:\n  <<: *a\n  <<: *a\n", &Limits::default());
        assert!(native.faults[0].message.contains("<<"), "{:?}", native.faults);
    }

    #[test]
    fn a_lone_hyphen_between_brackets_is_a_value() {
        assert_eq!(yaml("l: [-, x, -]\nm: {a: -, b: 1}"), r#"l[0]="-" l[1]="x" l[2]="-" m.a="-" m.b=1"#);
        assert_eq!(yaml("'a -, b': [x -, \"-,\", ' -]'] # [-,"), r#"a -, b[0]="x -" a -, b[1]="-," a -, b[2]=" -]""#);
        assert_eq!(yaml("l: [- , x]").split(' ').next(), Some("1:5"));
    }

    #[test]
    fn merged_keys_stand_where_the_merge_key_stands() {
        assert_eq!(yaml("d: &d {a: 1, b: 2}\nm: {<<: *d, c: 3, a: 9}"), "d.a=1 d.b=2 m.a=9 m.b=2 m.c=3");
        assert_eq!(yaml("m: {b: 0, <<: [{a: 1, b: 2}, {a: 3, c: 4}]}"), "m.b=2 m.a=1 m.c=4");
    }

    #[test]
    fn what_snakeyaml_refuses_is_refused() {
        assert_eq!(yaml("a: 1\na: 2"), "2:1 duplicate-key");
        assert_eq!(yaml("a: !append [1]"), "1:4 unknown-tag");
        assert_eq!(yaml("a: !!java.util.Date x"), "1:4 unknown-tag");
        assert_eq!(yaml("~: x"), "1:1 null-key");
        assert_eq!(yaml("a: 1\rb: [\r"), "2:4 syntax");
        assert_eq!(flat(Format::Json, "{}"), "1:1 unreadable-format");
    }

    #[test]
    fn long_names_above_many_keys_are_bounded() {
        let keys: String = (0..20_000).map(|number| format!("  k{number}: 1\n")).collect();
        assert_eq!(yaml(&format!("? {}\n:\n{keys}", "n".repeat(10_000))).rsplit_once(' ').unwrap().1, "keys-too-long");
    }

    #[test]
    fn keys_that_steer_the_loader_are_found_however_they_are_spelled() {
        assert_eq!(
            steering(
                "spring:\n  profiles: {include: [a, 'b, c'], group: {p-q: x, '[r.s]': [y, z]}}\n  config.import: u;v,w"
            ),
            "{ is_elsewhere: false, include: [\"a\", \"b\", \"c\"], groups: [(\"p-q\", [\"x\"]), (\"r.s\", [\"y\", \"z\"])], \
             imports: [\"u;v\", \"w\"], forbidden: Some((\"spring.profiles.include[0]\", Position { line: 2, column: 14 })) }"
        );
        assert!(steering("SPRING.Config.activate.onCloudPlatform: kubernetes").starts_with("{ is_elsewhere: true"));
        assert!(steering("spring.config.activate.on_cloud_platform: NONE").starts_with("{ is_elsewhere: false"));
        assert_eq!(yaml("spring.profiles: dev"), "1:1 legacy-key");
        assert_eq!(yaml("spring.config.activate.on-profile: a & b | c"), "1:36 profile-expression");
    }

    #[test]
    fn xml_is_read_as_properties() {
        let xml = |entries: &str| {
            let head =
                "<?xml version=\"1.0\"?>\n<!DOCTYPE properties SYSTEM \"http://java.sun.com/dtd/properties.dtd\">\n";
            flat(Format::Xml, &format!("{head}<properties><comment>c</comment>{entries}</properties>"))
        };
        assert_eq!(xml("<entry key='a'> &amp;<![CDATA[<b>]]></entry><entry key='e'/>"), r#"a=" &<b>" e="""#);
        assert_eq!(xml("<entry key='a'>1</entry><entry key='b'>2</entry><entry key='a'>3</entry>"), r#"a="3" b="2""#);
        assert_eq!(xml(""), "");
        assert_eq!(xml("<entry>1</entry>"), "3:33 syntax");
        assert_eq!(flat(Format::Xml, "<project/>"), "1:1 no-properties");
        assert_eq!(flat(Format::Xml, "<a>"), "1:1 syntax");
        let bomb = "<!DOCTYPE p [<!ENTITY a 'xxxxxxxxxx'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]>";
        assert!(
            !flat(Format::Xml, &format!("{bomb}<properties><entry key='k'>&c;&c;</entry></properties>")).is_empty()
        );
    }
}
