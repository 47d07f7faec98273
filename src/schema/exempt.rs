//! Which breaches are none, because they rest on a text that is not known here: a placeholder that the client fills in, or
//! a secret.
//!
//! Of an open placeholder nothing is asked, of a secret only that it may be text. What a combination says about a list or
//! a map with such a value in it counts only if it would be said whatever the value is.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;

use super::instance::{Instance, Unknown};

/// True if the breach stands whatever the texts are that are not known.
pub(super) fn stands(error: &ValidationError<'_>, instance: &Instance<'_>) -> bool {
    let pointer = error.instance_path().as_str();
    let is_of_type = matches!(error.kind(), Kind::Type { .. } | Kind::FalseSchema);
    match (instance.unknown(pointer), error.kind()) {
        (Some(Unknown::Open), kind) => matches!(kind, Kind::FalseSchema),
        (Some(Unknown::Secret), Kind::AnyOf { context } | Kind::OneOfNotValid { context }) => {
            none_passes(context, instance)
        }
        (Some(Unknown::Secret), _) => is_of_type,
        (None, Kind::AnyOf { context } | Kind::OneOfNotValid { context }) => none_passes(context, instance),
        (
            None,
            Kind::OneOfMultipleValid { .. }
            | Kind::Not { .. }
            | Kind::Contains
            | Kind::Constant { .. }
            | Kind::Enum { .. }
            | Kind::UniqueItems
            | Kind::UnevaluatedItems { .. }
            | Kind::UnevaluatedProperties { .. },
        ) => !instance.has_unknown_below(pointer),
        (None, _) => true,
    }
}

/// True if every alternative is broken whatever the texts are.
fn none_passes(alternatives: &[Vec<ValidationError<'static>>], instance: &Instance<'_>) -> bool {
    alternatives.iter().all(|errors| errors.iter().any(|error| stands(error, instance)))
}
