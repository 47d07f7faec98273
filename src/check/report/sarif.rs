//! The report as SARIF 2.1.0, for systems that gather findings of many tools.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>. Only the rules that were broken are listed. The fingerprint leaves
//! the line out, so that a finding stays itself when lines are put in above it.

use std::collections::{BTreeSet, HashMap};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::check::rules::{self, Rule};
use crate::check::{Finding, Report, page};
use crate::config::problem::Severity;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What a path in a URI cannot hold as it is.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Spells a report; `prefix` stands before every path, `pages` before the code in the address of its page. `source` gives
/// the bytes of a file by its path.
#[must_use]
pub fn write<'a>(
    report: &Report,
    prefix: &str,
    pages: Option<&str>,
    source: impl Fn(&str) -> Option<&'a [u8]>,
) -> String {
    let broken: BTreeSet<&str> = report.findings.iter().map(|finding| finding.code).collect();
    let broken: Vec<&Rule> = broken.into_iter().filter_map(rules::find).collect();
    let mut known: HashMap<String, usize> = HashMap::new();
    let results = report.findings.iter().map(|finding| {
        let end = source(&finding.file).and_then(|bytes| super::end_column(bytes, finding.at));
        let print = fingerprint(finding);
        let count = known.entry(print.clone()).or_default();
        *count += 1;
        let print = if *count > 1 { format!("{print}:{count}") } else { print };
        result(finding, (prefix, end, print), &broken)
    });
    let results: Vec<Value> = results.collect();
    let driver = json!({
        "name": "layerd",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": broken.iter().map(|rule| described(rule, pages)).collect::<Vec<_>>(),
    });
    let run = json!({ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results });
    let mut text = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] }).to_string();
    text.push('\n');
    text
}

fn described(rule: &Rule, pages: Option<&str>) -> Value {
    let page = page::of(rule.code).unwrap_or_default();
    let mut described = json!({
        "id": rule.code,
        "shortDescription": { "text": rule.title },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level(rule.severity) },
    });
    if let Some(pages) = pages {
        described["helpUri"] = json!(format!("{pages}#{}", rule.code));
    }
    described
}

fn result(finding: &Finding, (prefix, end, print): (&str, Option<u32>, String), broken: &[&Rule]) -> Value {
    let uri = utf8_percent_encode(&format!("{prefix}{}", finding.file), PATH).to_string();
    let hint = finding.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    let mut region = json!({ "startLine": finding.at.line.max(1), "startColumn": finding.at.column.max(1) });
    if let Some(end) = end {
        region["endColumn"] = json!(end);
    }
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": { "text": format!("{}{hint}", finding.message) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri },
                "region": region,
            },
        }],
        "partialFingerprints": { "layerd/v1": print },
    });
    if let Some(index) = broken.iter().position(|rule| rule.code == finding.code) {
        result["ruleIndex"] = json!(index);
    }
    result
}

fn fingerprint(finding: &Finding) -> String {
    let mut digest = Sha256::new();
    for part in [finding.code, &finding.file, &super::without_lines(&finding.message)] {
        digest.update(part);
        digest.update([0]);
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples;

    #[test]
    fn a_finding_is_a_result_of_its_rule() {
        let source = "a: on # x\n";
        let pages = Some("https://example.org/problems.md");
        let text = write(&samples::report(&[("a b.yml", source)]), "x/", pages, |_| Some(source.as_bytes()));
        let page = json!(page::of("yaml-1-1").unwrap()).to_string();
        let text = text.replace(&page, "PAGE");
        let expected = concat!(
            r#"{"$schema":"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json","#,
            r#""version":"2.1.0","runs":[{"tool":{"driver":{"name":"layerd","semanticVersion":"0.1.0","rules":[{"#,
            r#""id":"yaml-1-1","shortDescription":{"text":"YAML 1.1 and 1.2 read a value differently"},"help":{"text":PAGE,"#,
            r#""markdown":PAGE},"defaultConfiguration":{"level":"warning"},"#,
            r#""helpUri":"https://example.org/problems.md#yaml-1-1"}]}},"#,
            r#""columnKind":"unicodeCodePoints","results":[{"ruleId":"yaml-1-1","level":"warning","message":{"text":"#,
            r#""YAML 1.1 reads `on` as true, YAML 1.2 and layerd as a text\nhint: quote it (`\"on\"`) if it is a text, or "#,
            r#"spell it so that both agree"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"x/a%20b.yml"},"#,
            r#""region":{"startLine":1,"startColumn":4,"endColumn":6}}}],"partialFingerprints":{"layerd/v1":"ID"},"ruleIndex":0}]}]}"#,
            "\n"
        );
        let id = text.split("layerd/v1\":\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!((id.len(), text.replace(id, "ID").as_str()), (32, expected));
    }

    #[test]
    fn the_fingerprint_knows_no_lines() {
        let id = |text: &str| fingerprint(&samples::report(&[("a.yml", text)]).findings[0]);
        assert_eq!(id("a: 1\na: 2\n"), id("\n\nb: 0\na: 1\na: 2\n"));
        assert_ne!(id("a: 1\na: 2\n"), id("b: 1\nb: 2\n"));
    }
}
