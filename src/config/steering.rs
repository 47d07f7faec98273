//! What a document says to Spring's own loader: which profiles to add, which files to import, when to take part.
//!
//! Under `semantics: spring` these keys are served as data and obeyed as well. How they are obeyed is the business of
//! `answer/environment`; here is only what was said.

use std::sync::Arc;

use super::problem::Position;

/// The keys of a document that steer Spring's loader.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Steering {
    /// The document is for a cloud platform, of which this server is none.
    pub is_elsewhere: bool,
    /// `spring.profiles.include`: profiles that take part as well, in order.
    pub include: Vec<Arc<str>>,
    /// `spring.profiles.group.<name>`: what a profile stands for.
    pub groups: Vec<(Arc<str>, Vec<Arc<str>>)>,
    /// `spring.config.import`: files to take in right above the document, in order.
    pub imports: Vec<Arc<str>>,
    /// The first key that says which profiles there are: a fault where the document itself depends on a profile.
    pub forbidden: Option<(Arc<str>, Position)>,
}
