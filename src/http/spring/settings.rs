//! What the settings of a Spring Cloud Config Server say about its answers.

use std::sync::Arc;

/// What the settings say about answers to Spring's clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// An address that no file answers gets an empty answer, not 404.
    pub accept_empty: bool,
    /// Where `main` does not exist `master` answers, and a `master` that does not exist means the default label.
    pub try_master: bool,
    /// Labels of a list that do not exist are passed over.
    pub skip_unknown_labels: bool,
    /// A document that is no map is written as itself in YAML, without the key `document`.
    pub strip_document: bool,
    /// The strongest values of every answer, in their order.
    pub overrides: Vec<(Arc<str>, Arc<str>)>,
    /// Labels are folders, and this one answers when none is asked for; `None` where labels are those of Git.
    pub folder_label: Option<Arc<str>>,
    /// The version to tell, in the place of the commit.
    pub version: Option<Arc<str>>,
    /// The addresses whose answers are the health of the server.
    pub health: Vec<Health>,
    /// Who asks for the health sees these answers.
    pub health_details: bool,
}

/// An address whose answer is part of the health of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The application.
    pub name: Arc<str>,
    /// The profiles, a comma list.
    pub profiles: Arc<str>,
    /// The label.
    pub label: Option<Arc<str>>,
}

impl Default for Settings {
    fn default() -> Self {
        let app = Health { name: Arc::from("app"), profiles: Arc::from("default"), label: None };
        Self {
            accept_empty: true,
            try_master: true,
            skip_unknown_labels: false,
            strip_document: true,
            overrides: Vec::new(),
            folder_label: None,
            version: None,
            health: vec![app],
            health_details: false,
        }
    }
}
