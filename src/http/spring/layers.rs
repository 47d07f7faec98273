//! The sources that answer a question under Spring's semantics: those of every label and part, and the overrides on top.
//!
//! What a source says is for `answer::environment`; here is where they come from and how they are called.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use crate::answer::AnswerError;
use crate::answer::environment::{Environment, OVERRIDES, PropertySource, Question, environment};
use crate::config::address::Address;
use crate::config::locations::Names;
use crate::config::semantics::Semantics;
use crate::http::App;
use crate::http::access::HoldsSecret;
use crate::store::{Chosen, Part};

/// What was chosen for one label of a request.
#[derive(Debug)]
pub(super) struct OfLabel {
    /// The snapshots.
    pub(super) chosen: Chosen,
    /// The label as asked; `None` for the default one.
    pub(super) asked: Option<Arc<str>>,
}

impl OfLabel {
    /// True if the files are read as Spring reads them.
    pub(super) fn is_of_spring(&self) -> bool {
        self.chosen.first.snapshot.semantics == Semantics::Spring
    }

    /// What is asked of a part: the label is that of the request if it names one, because search paths may hold it.
    fn question(&self, app: &App, address: &Address, part: &Part) -> Question {
        let default = app.spring.folder_label.as_ref().unwrap_or(&part.label);
        let label = Arc::clone(self.asked.as_ref().unwrap_or(default));
        Question { label, ..Question::of(address) }
    }

    /// The sources, strongest first, without overrides.
    pub(super) fn environment(&self, app: &App, address: &Address) -> Result<Environment, AnswerError> {
        let parts = self.chosen.parts().map(|part| environment(&part.snapshot, &self.question(app, address, part)));
        Ok(Environment::join(parts.collect::<Result<Vec<_>, _>>()?))
    }

    /// The folders of a part that are searched, the first first.
    pub(super) fn folders(&self, app: &App, address: &Address, part: &Part) -> Vec<Arc<str>> {
        if !self.is_of_spring() {
            return part.snapshot.search_paths.folders(&address.application).map(Arc::from).collect();
        }
        let Question { applications, profiles, label } = self.question(app, address, part);
        part.snapshot.folders(Names { applications: &applications, profiles: &profiles, label: &label })
    }

    /// The name of a source. One that several parts have is called by the strongest of them.
    pub(super) fn name(&self, source: &PropertySource) -> String {
        if *source.file == *OVERRIDES {
            return OVERRIDES.to_owned();
        }
        let has_it = |part: &&Part| part.snapshot.at_path(&source.file).is_some();
        let part = self.chosen.parts().find(has_it).unwrap_or(&self.chosen.first);
        let document = source.document.map(|number| format!(" (document #{number})")).unwrap_or_default();
        format!("{}/{}{document}", part.uri(), source.file)
    }
}

/// The whole: all labels, the last one strongest, and the overrides.
pub(super) fn whole(app: &App, labels: &[OfLabel], address: &Address) -> Result<Environment, AnswerError> {
    let all = labels.iter().rev().map(|label| label.environment(app, address)).collect::<Result<Vec<_>, _>>()?;
    Ok(with_overrides(app, Environment::join(all)))
}

/// The same with the overrides on top, if there are any.
pub(super) fn with_overrides(app: &App, environment: Environment) -> Environment {
    match overrides(app) {
        Some(overrides) => environment.with_overrides(&overrides),
        None => environment,
    }
}

/// The answer with why older commits have their say in it, if they do: clients of Spring's pass over the header, people
/// and proxies do not. If it holds a secret, the audit log gets to know of which commits.
pub(super) fn tell_pins(mut response: Response, labels: &[OfLabel]) -> Response {
    if response.extensions().get::<HoldsSecret>().is_some() {
        let of = HoldsSecret::of(labels.iter().map(|label| &label.chosen));
        response.extensions_mut().insert(of);
    }
    let mut reasons: Vec<String> = labels.iter().filter_map(|label| label.chosen.pinned()).collect();
    reasons.dedup();
    let value = HeaderValue::from_str(&reasons.join("; ")).ok().filter(|value| !value.is_empty());
    value.map(|value| response.headers_mut().insert(HeaderName::from_static("layerd-pinned"), value));
    response
}

/// The source of overrides, if the settings have any.
pub(super) fn overrides(app: &App) -> Option<PropertySource> {
    let entries = app.spring.overrides.iter().map(|(key, text)| (&**key, &**text));
    (!app.spring.overrides.is_empty()).then(|| PropertySource::overrides(entries))
}
