//! Which files answer an address, in what order: the precedence rules of either semantics, each as one list.
//!
//! A *stem* is the path of a file without its extension. The order of stems is `RANKS` × profiles × places; the files
//! of one stem follow in the order of [`EXTENSIONS`]. Nothing else in the crate knows an order.

use std::sync::Arc;

use indexmap::IndexSet;

use super::address::Address;
use super::target::Target;

pub use super::address::SHARED;

/// The extensions of configuration files; in one place a later one wins over an earlier one.
pub const EXTENSIONS: [&str; 4] = ["yml", "yaml", "json", "properties"];

/// The ranks, lowest first: whose files, and whether those of a profile.
const RANKS: [(Owner, bool); 4] =
    [(Owner::Everyone, false), (Owner::Everyone, true), (Owner::Service, false), (Owner::Service, true)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Everyone,
    Service,
}

/// The folders of a repository in which configuration is looked for: the root, then these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPaths {
    places: Vec<Place>,
}

/// A folder that is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A folder whose `application*` files are everyone's.
    Shared(String),
    /// The folder of one service: the text before and after the service's name.
    OfService(String, String),
}

/// Why a text is no search path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {reason}")]
pub struct SearchPathError {
    path: String,
    reason: &'static str,
}

const PLACEHOLDER: &str = "{application}";

impl SearchPaths {
    /// Reads the entries of `search-paths`. `{application}` takes part, last, even if no entry holds it.
    ///
    /// # Errors
    /// Names the entry that leaves the repository or holds something other than `{application}` in braces or a wildcard.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, SearchPathError> {
        let mut places = entries.iter().map(|entry| Place::parse(entry.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if !places.iter().any(|place| matches!(place, Place::OfService(..))) {
            places.push(Place::OfService(String::new(), String::new()));
        }
        Ok(Self { places })
    }

    /// The folders that hold files for everyone, the root first.
    pub fn shared(&self) -> impl Iterator<Item = &str> {
        std::iter::once("").chain(self.places.iter().filter_map(|place| match place {
            Place::Shared(folder) => Some(folder.as_str()),
            Place::OfService(..) => None,
        }))
    }

    /// The folders that are searched for an application, the root first, in their order.
    pub fn folders(&self, application: &str) -> impl Iterator<Item = String> {
        std::iter::once(String::new()).chain(self.places.iter().map(move |place| match place {
            Place::Shared(folder) => folder.clone(),
            Place::OfService(before, after) => format!("{before}{application}{after}"),
        }))
    }

    /// The entries as settings write them.
    #[must_use]
    pub fn entries(&self) -> Vec<String> {
        let entry = |place: &Place| match place {
            Place::Shared(folder) => folder.clone(),
            Place::OfService(before, after) => format!("{before}{PLACEHOLDER}{after}"),
        };
        self.places.iter().map(entry).collect()
    }

    /// The service whose folder this is, if it is the folder of one.
    #[must_use]
    pub fn service_of<'a>(&self, folder: &'a str) -> Option<&'a str> {
        if self.shared().any(|shared| shared == folder) {
            return None;
        }
        self.places.iter().find_map(|place| match place {
            Place::OfService(before, after) => folder
                .strip_prefix(before.as_str())
                .and_then(|rest| rest.strip_suffix(after.as_str()))
                .filter(|name| !name.is_empty() && !name.contains('/')),
            Place::Shared(_) => None,
        })
    }
}

/// The extensions of Spring's property sources; in one place a later one wins over an earlier one.
pub const SPRING_EXTENSIONS: [&str; 4] = ["yaml", "yml", "xml", "properties"];

/// The stems of one rank of Spring's order, weakest first. Its order is: files without profile, then those of profiles;
/// within them profile × folder × name, and for one stem [`SPRING_EXTENSIONS`], then the documents of the file.
///
/// `names` are the applications as asked; `application` is always the weakest of them.
#[must_use]
pub fn spring_stems(profiles: Option<&[Arc<str>]>, folders: &[Arc<str>], names: &[Arc<str>]) -> Vec<String> {
    let suffixes =
        profiles.map_or_else(|| vec![String::new()], |names| names.iter().map(|n| format!("-{n}")).collect());
    let others = names.iter().map(|name| &**name).filter(|name| !name.is_empty() && *name != SHARED);
    let names: Vec<&str> = std::iter::once(SHARED).chain(others).collect();
    let mut stems: IndexSet<String> = IndexSet::new();
    for suffix in &suffixes {
        for folder in folders {
            stems.extend(names.iter().map(|name| format!("{}{suffix}", join(folder, name))));
        }
    }
    stems.into_iter().collect()
}

/// What a file is for, the same wherever in the repository it may be kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rank {
    /// `application`, `application-p`, `svc` or `svc-p`: the stem that the file would have in the root.
    pub name: String,
    /// The one application whose file it is beyond doubt: that of its folder, else the whole stem, because `user-dev.yml`
    /// may be of `user` as well as of `user-dev`.
    pub application: String,
    /// What it is for, part by part.
    pub target: Target,
}

impl Rank {
    /// The rank of a file that is named by its parts; the application [`SHARED`] stands for all of them.
    #[must_use]
    pub fn named(application: &str, profile: Option<&str>) -> Self {
        let name = profile.map_or_else(|| application.to_owned(), |profile| format!("{application}-{profile}"));
        Self { name, application: application.to_owned(), target: Target::named(application, profile) }
    }

    /// The rank of a file under `semantics: spring`.
    #[must_use]
    pub fn for_spring(folder: &str, name: &str) -> Self {
        Self { name: name.to_owned(), application: name.to_owned(), target: Target::for_spring(folder, name) }
    }
}

impl SearchPaths {
    /// What the file at `folder`/`name`.* is for.
    #[must_use]
    pub fn rank(&self, folder: &str, name: &str) -> Rank {
        let of_service = self.service_of(folder).map(|service| {
            let profile = [SHARED, service].iter().find_map(|base| {
                name.strip_prefix(base).filter(|profile| profile.is_empty() || profile.starts_with('-'))
            });
            let target = Target::in_folder_of(service, name);
            Rank { name: format!("{service}{}", profile.unwrap_or_default()), application: service.to_owned(), target }
        });
        of_service.unwrap_or_else(|| Rank {
            name: name.to_owned(),
            application: name.to_owned(),
            target: Target::of_name(name),
        })
    }
}

/// The extension of files that say what configuration must be like.
const SCHEMA: &str = ".schema.json";

/// The name of such a file in the folder of a service.
const OWN_SCHEMA: &str = "schema.json";

impl SearchPaths {
    /// The paths of the schemas that the answers of an application keep to, whether or not there are such files: those
    /// for everyone first.
    #[must_use]
    pub fn schemas(&self, application: &str) -> Vec<String> {
        let stems = [Owner::Everyone, Owner::Service].into_iter().flat_map(|owner| places(owner, application, self));
        let mut paths: Vec<String> = stems.map(|stem| format!("{stem}{SCHEMA}")).collect();
        paths.extend(self.places.iter().filter_map(|place| match place {
            Place::OfService(before, after) => Some(format!("{before}{application}{after}/{OWN_SCHEMA}")),
            Place::Shared(_) => None,
        }));
        paths.retain(|path| self.is_schema(path));
        paths
    }

    /// True for the path of a schema that the answers of some application keep to.
    #[must_use]
    pub fn is_schema(&self, path: &str) -> bool {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        if !file.ends_with(OWN_SCHEMA) || path.starts_with('.') || path.contains("/.") {
            return false;
        }
        let name = file.strip_suffix(SCHEMA);
        match self.service_of(folder) {
            // There the configuration of the service itself is called `schema.json`.
            Some("schema") => matches!(name, Some(SHARED | "schema")),
            Some(service) => file == OWN_SCHEMA || name.is_some_and(|name| name == SHARED || name == service),
            None => name.is_some() && self.shared().any(|shared| shared == folder),
        }
    }
}

impl Default for SearchPaths {
    fn default() -> Self {
        Self { places: vec![Place::OfService(String::new(), String::new())] }
    }
}

impl Place {
    fn parse(entry: &str) -> Result<Self, SearchPathError> {
        let refuse = |reason| Err(SearchPathError { path: entry.to_owned(), reason });
        if entry.starts_with('/') || entry.contains('\\') {
            return refuse("is not a path relative to the root of the repository");
        }
        let segments: Vec<_> = entry.split('/').filter(|segment| !segment.is_empty() && *segment != ".").collect();
        if segments.contains(&"..") {
            return refuse("leaves the repository");
        }
        let path = segments.join("/");
        let (before, after) = path.split_once(PLACEHOLDER).unwrap_or((&path, ""));
        if [before, after].iter().any(|part| part.contains(['{', '}', '*', '?'])) {
            return refuse("holds a wildcard or a placeholder other than one `{application}`");
        }
        Ok(if path.contains(PLACEHOLDER) {
            Self::OfService(before.to_owned(), after.to_owned())
        } else {
            Self::Shared(path)
        })
    }
}

/// The stems that answer an address, lowest precedence first, each once at its lowest place.
#[must_use]
pub fn stems(address: &Address, paths: &SearchPaths) -> Vec<String> {
    let mut stems: Vec<String> = Vec::new();
    for (owner, of_profile) in RANKS {
        let profiles: Vec<Option<&Arc<str>>> =
            if of_profile { address.profiles.iter().map(Some).collect() } else { vec![None] };
        for profile in profiles {
            for stem in places(owner, &address.application, paths) {
                let stem = profile.map_or_else(|| stem.clone(), |profile| format!("{stem}-{profile}"));
                if !stems.contains(&stem) {
                    stems.push(stem);
                }
            }
        }
    }
    stems
}

/// The stems without profile of one rank: by place, `application` before the service.
fn places(owner: Owner, service: &str, paths: &SearchPaths) -> Vec<String> {
    let root = Place::Shared(String::new());
    let mut stems = Vec::new();
    for place in std::iter::once(&root).chain(&paths.places) {
        match (place, owner) {
            (Place::Shared(folder), Owner::Everyone) => stems.push(join(folder, SHARED)),
            (Place::Shared(folder), Owner::Service) => stems.push(join(folder, service)),
            (Place::OfService(..), Owner::Everyone) => {}
            (Place::OfService(before, after), Owner::Service) => {
                let folder = format!("{before}{service}{after}");
                stems.push(join(&folder, SHARED));
                stems.push(join(&folder, service));
            }
        }
    }
    stems
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(application: &str, profiles: &str, paths: &[&str]) -> Vec<String> {
        let address = Address::parse(application, Some(profiles), None).unwrap();
        stems(&address, &SearchPaths::parse(paths).unwrap())
    }

    #[test]
    fn schemas_stand_where_the_files_without_profile_do() {
        let paths = SearchPaths::parse(&["shared", "services/{application}"]).unwrap();
        let found = paths.schemas("user").join(" ");
        assert_eq!(
            found,
            "application.schema.json shared/application.schema.json user.schema.json shared/user.schema.json \
             services/user/application.schema.json services/user/user.schema.json services/user/schema.json"
        );
        assert_eq!(SearchPaths::default().schemas("schema").last().unwrap(), "schema/schema.schema.json");
        for path in ["schema.json", "user/order.schema.json", "a/b/schema.json", ".x/schema.json", "user.json"] {
            assert!(!SearchPaths::default().is_schema(path), "{path}");
        }
    }

    #[test]
    fn the_four_ranks_follow_one_another() {
        let expected = [
            "application",
            "application-eu",
            "application-production",
            "user",
            "user/application",
            "user/user",
            "user-eu",
            "user/application-eu",
            "user/user-eu",
            "user-production",
            "user/application-production",
            "user/user-production",
        ];
        assert_eq!(order("user", "eu,production", &["{application}"]), expected);
        assert_eq!(order("user", "eu,production", &[]), expected);
    }

    #[test]
    fn a_shared_search_path_ranks_with_the_root_above_it() {
        let expected = [
            "application",
            "shared/application",
            "application-default",
            "shared/application-default",
            "user",
            "shared/user",
            "user/application",
            "user/user",
            "user-default",
            "shared/user-default",
            "user/application-default",
            "user/user-default",
        ];
        assert_eq!(order("user", "default", &["shared/"]), expected);
    }

    #[test]
    fn a_file_is_selected_once_at_its_lowest_rank() {
        assert_eq!(
            order("application", "default", &[]),
            ["application", "application-default", "application/application", "application/application-default"]
        );
        assert_eq!(order("shared", "p", &["shared"]).iter().filter(|stem| *stem == "shared/application").count(), 1);
    }

    #[test]
    fn a_pattern_may_stand_anywhere_in_a_path() {
        let paths = SearchPaths::parse(&["services/{application}/config", "shared"]).unwrap();
        assert_eq!(paths.service_of("services/user/config"), Some("user"));
        assert_eq!(paths.service_of("services/a/b/config"), None);
        assert_eq!(paths.service_of("user"), None);
        assert_eq!(paths.shared().collect::<Vec<_>>(), ["", "shared"]);
    }

    #[test]
    fn a_file_has_the_rank_of_its_place_in_the_order() {
        let paths = SearchPaths::parse(&["shared", "services/{application}"]).unwrap();
        let cases = [
            ("", "application", "application", "application"),
            ("shared", "application-dev", "application-dev", "application-dev"),
            ("shared", "user-dev", "user-dev", "user-dev"),
            ("services/user", "application", "user", "user"),
            ("services/user", "application-dev", "user-dev", "user"),
            ("services/user", "user", "user", "user"),
            ("services/user", "user-dev", "user-dev", "user"),
        ];
        for (folder, name, rank, application) in cases {
            let found = paths.rank(folder, name);
            assert_eq!((&*found.name, &*found.application), (rank, application), "{folder}/{name}");
        }
    }

    #[test]
    fn paths_that_leave_the_repository_are_refused() {
        let refusal = |entry: &str| SearchPaths::parse(&[entry]).unwrap_err().to_string();
        assert_eq!(refusal("../x"), "`../x` leaves the repository");
        assert_eq!(refusal("/etc"), "`/etc` is not a path relative to the root of the repository");
        assert_eq!(
            refusal("a/{profile}"),
            "`a/{profile}` holds a wildcard or a placeholder other than one `{application}`"
        );
        assert_eq!(refusal("a/*"), "`a/*` holds a wildcard or a placeholder other than one `{application}`");
    }

    #[test]
    fn springs_order_is_profile_then_folder_then_name() {
        let arcs = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Vec<Arc<str>>>();
        let (folders, names) = (arcs(&["", "sub"]), arcs(&["user", "application", "", "user", "order"]));
        let stems = |profiles: Option<&[Arc<str>]>| spring_stems(profiles, &folders, &names).join(" ");
        assert_eq!(stems(None), "application user order sub/application sub/user sub/order");
        assert_eq!(
            stems(Some(&arcs(&["p", "q"]))),
            "application-p user-p order-p sub/application-p sub/user-p sub/order-p \
             application-q user-q order-q sub/application-q sub/user-q sub/order-q"
        );
        assert_eq!(stems(Some(&[])), "");
    }
}
