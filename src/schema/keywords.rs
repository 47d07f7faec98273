//! The keywords of JSON Schema that hold schemas, as a table: where those stand, and what they look at.

/// Where the schemas of a keyword stand in its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The value is one.
    One,
    /// It is a list of them.
    List,
    /// It is a map of them.
    Map,
}

/// What the schemas of a keyword look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// What the schema around them looks at.
    Same,
    /// The member that their own name names.
    Named,
    /// Any of its members or items.
    Every,
    /// Nothing, until something refers to them.
    Nothing,
}

const KEYWORDS: [(&str, Shape, Reach); 20] = [
    ("$defs", Shape::Map, Reach::Nothing),
    ("additionalProperties", Shape::One, Reach::Every),
    ("allOf", Shape::List, Reach::Same),
    ("anyOf", Shape::List, Reach::Same),
    ("contains", Shape::One, Reach::Every),
    ("contentSchema", Shape::One, Reach::Nothing),
    ("definitions", Shape::Map, Reach::Nothing),
    ("dependentSchemas", Shape::Map, Reach::Same),
    ("else", Shape::One, Reach::Same),
    ("if", Shape::One, Reach::Same),
    ("items", Shape::One, Reach::Every),
    ("not", Shape::One, Reach::Same),
    ("oneOf", Shape::List, Reach::Same),
    ("patternProperties", Shape::Map, Reach::Every),
    ("prefixItems", Shape::List, Reach::Every),
    ("properties", Shape::Map, Reach::Named),
    ("propertyNames", Shape::One, Reach::Every),
    ("then", Shape::One, Reach::Same),
    ("unevaluatedItems", Shape::One, Reach::Every),
    ("unevaluatedProperties", Shape::One, Reach::Every),
];

/// The keyword of that name, if it holds schemas.
pub(super) fn find(name: &str) -> Option<(Shape, Reach)> {
    let index = KEYWORDS.binary_search_by(|(known, ..)| (*known).cmp(name)).ok()?;
    Some((KEYWORDS[index].1, KEYWORDS[index].2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_found_in() {
        assert!(KEYWORDS.is_sorted_by(|one, other| one.0 < other.0));
        assert_eq!(find("properties"), Some((Shape::Map, Reach::Named)));
        assert_eq!((find("enum"), find("type")), (None, None));
    }
}
