//! How a breach is told: where, which key, and what the schema asks for. The value itself is never in the words.

use std::fmt::Write as _;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use crate::config::key;
use crate::config::problem::{Fault, Problem};

use super::bundle::Bundle;
use super::document::child;
use super::instance::{Instance, Unknown, short};
use super::{BROKEN, MISSING_KEY, VIOLATION};

/// Why a schema cannot be compiled.
pub(super) fn of_schema(bundle: &Bundle, error: &ValidationError<'_>) -> Problem {
    let pointer = error.instance_path().as_str();
    let (path, at) = bundle.place(pointer);
    let name = pointer.rsplit('/').next().unwrap_or_default();
    let message = match error.kind() {
        Kind::Format { format } if format == "regex" => "this is no regular expression that is read".to_owned(),
        Kind::AnyOf { .. } | Kind::Enum { .. } => format!("this is no schema: `{name}` cannot have this value"),
        kind => match asked(kind) {
            Some(asked) => format!("this is no schema: `{name}` {asked}"),
            None => format!("this is no schema: {}", short(&error.to_string())),
        },
    };
    Fault::warning(BROKEN, at, message)
        .with_hint("patterns have no look-around and no back-references; the rest is JSON Schema 2020-12")
        .in_file(path)
}

/// What an error says about a configuration.
pub(super) fn of_instance(bundle: &Bundle, error: &ValidationError<'_>, instance: &Instance<'_>) -> Vec<Problem> {
    let pointer = error.instance_path().as_str();
    let path = instance.path(pointer);
    let below = |name: &str| key::append(path.clone(), name);
    let (schema, asked_at) = bundle.place(error.schema_path().as_str());
    let problem = |code, pointer: &str, message: String| {
        let (file, at) = instance.place(pointer).unwrap_or((schema, asked_at));
        let hint = format!("`{schema}` asks for it on line {}", asked_at.line);
        Fault::error(code, at, message).with_hint(hint).in_file(file)
    };
    let named = |names: &[String]| {
        let one = |name: &String| {
            let message = format!("`{}` is a key that the schema does not know", below(name));
            problem(VIOLATION, &child(pointer, name), message)
        };
        names.iter().map(one).collect()
    };
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![problem(MISSING_KEY, pointer, format!("`{}` is missing", below(name)))]
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => named(unexpected),
        Kind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default();
            let message = format!("`{}` is a key that the schema does not allow", below(name));
            vec![problem(VIOLATION, &child(pointer, name), message)]
        }
        kind => {
            let what = if path.is_empty() { "the configuration".to_owned() } else { format!("`{path}`") };
            let message = match (kind, instance.unknown(pointer)) {
                (Kind::Type { kind }, Some(Unknown::Secret)) => format!("{what} is a secret, not {}", types(kind)),
                (Kind::Type { kind }, _) => format!("{what} is {}, not {}", type_of(error.instance()), types(kind)),
                _ => match asked(kind) {
                    Some(asked) => format!("{what} {asked}"),
                    None => format!("{what} breaks `{}` of the schema", kind.keyword()),
                },
            };
            vec![problem(VIOLATION, pointer, message)]
        }
    }
}

/// What is wrong with a value, without the value.
fn asked(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Type { kind } => format!("is not {}", types(kind)),
        Kind::Enum { options } => format!("is none of {}", listed(options)),
        Kind::Constant { expected_value } => format!("is not {}", short(&expected_value.to_string())),
        Kind::Minimum { limit } => format!("is less than {limit}"),
        Kind::Maximum { limit } => format!("is more than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("is not more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("is not less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("is no multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("has fewer than {}", counted(limit, "character")),
        Kind::MaxLength { limit } => format!("has more than {}", counted(limit, "character")),
        Kind::Pattern { pattern } => format!("does not match `{}`", short(pattern)),
        Kind::Format { format } => format!("has not the form `{format}`"),
        Kind::MinItems { limit } => format!("has fewer than {}", counted(limit, "item")),
        Kind::MaxItems { limit } => format!("has more than {}", counted(limit, "item")),
        Kind::UniqueItems => "has an item twice".to_owned(),
        Kind::Contains => "has not as many items as it must of the kind that it must contain".to_owned(),
        Kind::MinProperties { limit } => format!("has fewer than {}", counted(limit, "key")),
        Kind::MaxProperties { limit } => format!("has more than {}", counted(limit, "key")),
        Kind::FalseSchema => "must not be there".to_owned(),
        Kind::Not { .. } => "is what the schema rules out".to_owned(),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            format!("fits none of the {} alternatives of the schema", context.len())
        }
        Kind::OneOfMultipleValid { .. } => "fits more than one of the alternatives of the schema".to_owned(),
        Kind::UnevaluatedItems { .. } => "has items that the schema does not know".to_owned(),
        _ => return None,
    })
}

fn counted(count: &u64, what: &str) -> String {
    format!("{count} {what}{}", if *count == 1 { "" } else { "s" })
}

fn listed(options: &Value) -> String {
    let Some(options) = options.as_array() else { return short(&options.to_string()).into_owned() };
    let mut text = String::new();
    for (index, option) in options.iter().enumerate() {
        if text.len() > 160 {
            write!(text, " and {} more", options.len() - index).expect("writing to a string cannot fail");
            break;
        }
        text.push_str(if index == 0 { "" } else { ", " });
        text.push_str(&short(&option.to_string()));
    }
    text
}

fn types(kind: &TypeKind) -> String {
    let names: Vec<String> = match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(several) => several.iter().map(|one| one.to_string()).collect(),
    };
    let article = |name: &String| match name.as_str() {
        "null" => name.clone(),
        "array" => "a list".to_owned(),
        "object" => "a map".to_owned(),
        "integer" => "an integer".to_owned(),
        "string" => "a text".to_owned(),
        name => format!("a {name}"),
    };
    names.iter().map(article).collect::<Vec<_>>().join(" or ")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
