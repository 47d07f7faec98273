//! What a file is for, in parts: an application and perhaps a profile, or the file itself where its name does not say which.
//!
//! `user-service.yml` may be of `user-service`, or of `user` with the profile `service`. Who reads it cannot be told from its
//! name, so what is bound to it is bound to the file.

use super::address::SHARED;

/// What a file is for. No two files that are answered to different readers have the same target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// One application, with that profile or without any.
    Application {
        /// Its name.
        name: String,
        /// The profile.
        profile: Option<String>,
    },
    /// The readers of one file: its name can be read in several ways, or it is for all applications.
    File {
        /// Its name without extension, with the folder where that counts.
        path: String,
        /// The application whose file it is beyond doubt, under whichever profile.
        application: Option<String>,
    },
}

impl Target {
    /// What a file is for that is named by its parts; the application [`SHARED`] stands for all of them.
    #[must_use]
    pub fn named(application: &str, profile: Option<&str>) -> Self {
        let profile = profile.map(str::to_owned);
        match (application, profile) {
            (SHARED, Some(profile)) => Self::of_name(&format!("{SHARED}-{profile}")),
            (SHARED, None) => Self::of_name(SHARED),
            (_, profile) => Self::Application { name: application.to_owned(), profile },
        }
    }

    /// What a file of that name is for, in a folder that is searched for all applications.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        if name == SHARED || name.contains('-') {
            Self::File { path: name.to_owned(), application: None }
        } else {
            Self::Application { name: name.to_owned(), profile: None }
        }
    }

    /// What a file of that name is for in the folder of a service.
    #[must_use]
    pub fn in_folder_of(service: &str, name: &str) -> Self {
        let profile = |base: &str| match name.strip_prefix(base)? {
            "" => Some(None),
            rest => rest.strip_prefix('-').map(|profile| Some(profile.to_owned())),
        };
        match (profile(SHARED), profile(service)) {
            (Some(profile), None) | (None, Some(profile)) => Self::Application { name: service.to_owned(), profile },
            (Some(one), Some(other)) if one == other => Self::Application { name: service.to_owned(), profile: one },
            _ => Self::File { path: format!("{service}/{name}"), application: Some(service.to_owned()) },
        }
    }

    /// What a file is for under `semantics: spring`, where any folder may be searched for anybody.
    #[must_use]
    pub fn for_spring(folder: &str, name: &str) -> Self {
        if folder.is_empty() {
            return Self::of_name(name);
        }
        let application = (name != SHARED && !name.contains('-')).then(|| name.to_owned());
        Self::File { path: format!("{folder}/{name}"), application }
    }

    /// The application, if it is beyond doubt, or else the file: what a value is bound to that opens under any key.
    #[must_use]
    pub fn without_profile(&self) -> (&'static str, &str) {
        match self {
            Self::Application { name, .. } | Self::File { application: Some(name), .. } => ("application", name),
            Self::File { path, application: None } => {
                let name = path.rsplit('/').next().unwrap_or(path);
                ("file", if name.starts_with(SHARED) { path } else { name })
            }
        }
    }

    /// Kind, name and profile: what a value is bound to that opens under one key.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str, &str) {
        match self {
            Self::Application { name, profile: None } => ("application", name, ""),
            Self::Application { name, profile: Some(profile) } => ("profile", name, profile),
            Self::File { path, .. } => ("file", path, ""),
        }
    }

    /// True for a file whose name can be read in two ways, beside those for all applications.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::File { path, .. } if path.contains('-') && !path.starts_with(SHARED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(name: &str, profile: Option<&str>) -> Target {
        Target::Application { name: name.to_owned(), profile: profile.map(str::to_owned) }
    }

    #[test]
    fn a_name_without_doubt_is_one_application_wherever_it_stands() {
        assert_eq!(Target::of_name("user"), application("user", None));
        assert_eq!(Target::in_folder_of("user", "application"), application("user", None));
        assert_eq!(Target::in_folder_of("user", "user"), application("user", None));
        assert_eq!(Target::named("user", None), application("user", None));
        assert_eq!(Target::in_folder_of("user-service", "user-service-dev"), application("user-service", Some("dev")));
        assert_eq!(Target::in_folder_of("user", "application-a-b"), application("user", Some("a-b")));
        assert_eq!(Target::in_folder_of("application", "application-dev"), application("application", Some("dev")));
    }

    #[test]
    fn a_name_in_doubt_and_a_file_for_all_are_the_file() {
        for (target, path) in [
            (Target::of_name("user-service"), "user-service"),
            (Target::of_name("application"), "application"),
            (Target::named("application", Some("dev")), "application-dev"),
            (Target::of_name("application-dev"), "application-dev"),
            (Target::in_folder_of("application-x", "application-x"), "application-x/application-x"),
            (Target::in_folder_of("application-x", "application-x-y"), "application-x/application-x-y"),
            (Target::for_spring("config", "application"), "config/application"),
        ] {
            assert!(matches!(&target, Target::File { path: file, .. } if file == path), "{path}: {target:?}");
        }
        assert!(Target::of_name("user-service").is_in_doubt() && !Target::of_name("application-dev").is_in_doubt());
    }

    #[test]
    fn without_its_profile_a_file_is_of_its_application_or_itself() {
        assert_eq!(Target::named("user", Some("dev")).without_profile(), ("application", "user"));
        assert_eq!(
            Target::in_folder_of("application-x", "application-x").without_profile(),
            ("application", "application-x")
        );
        assert_eq!(Target::of_name("user-dev").without_profile(), ("file", "user-dev"));
        assert_eq!(Target::for_spring("a/b", "user-dev").without_profile(), ("file", "user-dev"));
        assert_eq!(Target::for_spring("a/b", "application").without_profile(), ("file", "a/b/application"));
        assert_eq!(Target::for_spring("a/b", "user").without_profile(), ("application", "user"));
    }
}
