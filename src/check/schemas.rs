//! What the layers of an address break together of the schemas of the repository.

use crate::answer;
use crate::config::problem::Problem;

use super::Case;

/// Adds the breaches.
pub(super) fn check(case: &Case<'_>, problems: &mut Vec<Problem>) {
    problems.extend(answer::violations(case.snapshot, case.application, case.selection));
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    const SHARED: (&str, &str) = ("application.schema.json", r#"{"properties": {"a": {"type": "integer"}}}"#);

    #[test]
    fn a_breach_is_told_once_with_those_whom_it_reaches() {
        let files = [SHARED, ("application.yml", "a: x\n"), ("user.yml", "b: 1\n"), ("order-dev.yml", "a: 1\n")];
        let found: Vec<String> = lines(&files).into_iter().filter(|line| line.starts_with("schema")).collect();
        assert_eq!(found, ["schema-violation application.yml:1:4 `a` is a text, not an integer (user default)"]);
    }

    #[test]
    fn equal_layers_under_two_schemas_are_two_cases() {
        let strict = r#"{"properties": {"a": {"maximum": 1}}}"#;
        let files = [
            ("application.yml", "a: 2\n"),
            ("user/schema.json", strict),
            ("user/user-dev.yml", "a: 1\n"),
            ("order/order-dev.yml", "b: 1\n"),
        ];
        assert_eq!(lines(&files), ["schema-violation application.yml:1:4 `a` is more than 1 (user default)"]);
    }

    #[test]
    fn a_missing_key_names_its_profiles() {
        let required = r#"{"required": ["url"]}"#;
        let files = [
            ("user.schema.json", required),
            ("user.yml", "a: 1\n"),
            ("user-dev.yml", "b: 1\n"),
            ("user-prod.yml", "url: x\n"),
            ("order.yml", "a: 1\n"),
        ];
        assert_eq!(
            lines(&files),
            ["schema-missing-key user.yml:1:1 `url` is missing for the profiles `default`, `dev` (user default+dev)"]
        );
    }

    #[test]
    fn a_broken_schema_is_an_error_of_its_file_and_nobody_elses() {
        let files = [("application.schema.json", r#"{"type": "x"}"#), ("user.yml", "a: 1\n")];
        let report = crate::check::samples::report(&files);
        let told: Vec<_> = report.findings.iter().map(|found| (found.code, &*found.file, found.severity)).collect();
        assert_eq!(told, [("schema-broken", "application.schema.json", crate::config::problem::Severity::Error)]);
    }
}
