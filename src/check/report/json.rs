//! The report as JSON: one object with `findings` and a `summary`, on one line.

use serde::Serialize;

use crate::check::{Finding, Reach, Report};

use super::{Count, name};

#[derive(Serialize)]
struct Whole<'a> {
    findings: Vec<One<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct One<'a> {
    code: &'a str,
    severity: &'a str,
    file: &'a str,
    line: u32,
    column: u32,
    message: &'a str,
    hint: Option<&'a str>,
    applications: &'a [Reach],
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    infos: usize,
    applications: usize,
    files: usize,
}

/// Spells a report.
#[must_use]
pub fn write(report: &Report) -> String {
    let count = Count::of(report);
    let summary = Summary {
        errors: count.errors,
        warnings: count.warnings,
        infos: count.infos,
        applications: report.applications,
        files: report.files,
    };
    let whole = Whole { findings: report.findings.iter().map(one).collect(), summary };
    let mut text = serde_json::to_string(&whole).expect("texts and numbers can always be written");
    text.push('\n');
    text
}

fn one(finding: &Finding) -> One<'_> {
    One {
        code: finding.code,
        severity: name(finding.severity),
        file: &finding.file,
        line: finding.at.line,
        column: finding.at.column,
        message: &finding.message,
        hint: finding.hint.as_deref(),
        applications: &finding.applications,
    }
}
