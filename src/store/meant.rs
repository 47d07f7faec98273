//! What a request names that nothing in the repositories names, and what was probably meant.
//!
//! An application that no file names gets the shared layers, which look like a whole configuration: a typing error must show.
//! Names that the asker may not see are never proposed.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::access::Permitted;
use crate::config::address::{Address, DEFAULT_PROFILE};
use crate::config::catalogue::Catalogue;
use crate::config::foreign;
use crate::config::nearest::{self, nearest};

use super::Store;
use super::chosen::Chosen;

/// The most characters of a name that is repeated.
const ECHO: usize = 100;

/// The most profiles that are named as unknown.
const NAMED: usize = 4;

/// Names of an address that nothing names. Its text is the sentence that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownNames {
    /// The application, if nothing names it.
    pub application: Option<Arc<str>>,
    /// The profiles that nothing names.
    pub profiles: Vec<Arc<str>>,
    /// What was probably meant, as a question; addresses are written `application/profiles`.
    pub hint: Option<String>,
    /// The first of those that there are, for whoever is refused without such a question.
    pub others: Option<String>,
}

/// What the asker may see, so that no other name is proposed.
#[derive(Clone, Copy)]
pub enum Sight<'a> {
    /// Everything.
    Whole,
    /// Whether an application in a profile may be read from a label.
    Part(&'a Sees<'a>),
}

/// Whether something may be seen of an application in a profile from a label.
pub type Sees<'a> = dyn Fn(&Arc<str>, &Arc<str>, &str) -> bool + 'a;

impl fmt::Display for UnknownNames {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |name: &Arc<str>| format!("`{}`", foreign::line(name, ECHO));
        let mut things = Vec::new();
        things.extend(self.application.iter().map(|name| format!("the application {}", quoted(name))));
        let names: Vec<_> = self.profiles.iter().take(NAMED).map(quoted).collect();
        match names.as_slice() {
            [] => {}
            [only] => things.push(format!("the profile {only}")),
            names => things.push(format!("the profiles {}", names.join(", "))),
        }
        write!(out, "nothing in the repository names {}", things.join(" or "))
    }
}

impl UnknownNames {
    /// The sentence and the question on one line of printable ASCII, for a header.
    #[must_use]
    pub fn header(&self) -> String {
        let text = self.hint.as_ref().map_or_else(|| self.to_string(), |hint| format!("{self}; {hint}"));
        text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
    }
}

impl Chosen {
    /// The names of an address that nothing in any of the parts names; `None` if all are known.
    #[must_use]
    pub fn unknown(&self, address: &Address, sight: Sight<'_>) -> Option<UnknownNames> {
        let names = Names { chosen: self, address, sight };
        let is_known = names.catalogues().any(|catalogue| catalogue.names(&address.application));
        let application = (!is_known).then(|| Arc::clone(&address.application));
        let is_unknown = |profile: &&Arc<str>| !names.has_profile(profile);
        let profiles: Vec<_> = address.profiles.iter().filter(is_unknown).cloned().collect();
        if application.is_none() && profiles.is_empty() {
            return None;
        }
        let hint = names.hint(application.as_ref(), &profiles);
        let others = match (&hint, &application) {
            (Some(_), _) => None,
            (None, Some(_)) => nearest::listed(&names.applications(), "applications"),
            (None, None) => nearest::listed(&names.all_profiles(), "profiles"),
        };
        Some(UnknownNames { application, profiles, hint, others })
    }
}

impl Store {
    /// The labels of the sources that answer an address.
    pub async fn labels_of(&self, address: &Permitted<Address>) -> BTreeSet<Arc<str>> {
        let mut labels = BTreeSet::new();
        for index in self.answering(address) {
            if let Ok(served) = self.entries[index].served(address).await {
                labels.extend(served.live.labels());
            }
        }
        labels
    }
}

/// The names that the parts know, for a question.
struct Names<'a> {
    chosen: &'a Chosen,
    address: &'a Address,
    sight: Sight<'a>,
}

impl<'a> Names<'a> {
    /// Those of the newest commits: what an older one is served from has the files of its own address alone.
    fn catalogues(&self) -> impl Iterator<Item = &'a Catalogue> {
        self.chosen.parts().map(|part| &part.newest.catalogue)
    }

    fn has_application(&self, name: &str) -> bool {
        self.catalogues().any(|catalogue| catalogue.names(name))
    }

    fn has_profile(&self, name: &str) -> bool {
        self.catalogues().any(|catalogue| catalogue.names_profile(name))
    }

    fn may_see(&self, application: &Arc<str>, profiles: &[Arc<str>]) -> bool {
        match self.sight {
            Sight::Whole => true,
            Sight::Part(sees) => {
                let of_label = |label: &str| profiles.iter().all(|profile| sees(application, profile, label));
                self.chosen.parts().all(|part| of_label(&part.label))
            }
        }
    }

    fn hint(&self, application: Option<&Arc<str>>, profiles: &[Arc<str>]) -> Option<String> {
        if let Some((application, profiles)) = application.and_then(|name| self.other_order(name)) {
            return nearest::hint(&[format!("{application}/{}", profiles.join(","))]);
        }
        let applications = application.map(|name| self.near_applications(name)).unwrap_or_default();
        match (application, profiles) {
            (Some(name), []) if applications.is_empty() && self.has_profile(name) => {
                Some(format!("`{name}` is a profile, and the application comes first"))
            }
            (Some(_), []) => nearest::hint(&applications),
            (None, [only]) => nearest::hint(&self.near_profiles(only)),
            _ => {
                // More than one is wrong: what helps is the whole address.
                let application = match application {
                    Some(_) => applications.first()?,
                    None => &self.address.application,
                };
                let meant = |name: &Arc<str>| match profiles.contains(name) {
                    true => self.near_profiles(name).into_iter().next(),
                    false => Some(Arc::clone(name)),
                };
                let profiles = self.address.profiles.iter().map(meant).collect::<Option<Vec<_>>>()?;
                nearest::hint(&[format!("{application}/{}", profiles.join(","))])
            }
        }
    }

    /// The application and the profiles, if the words make sense in another order or cut elsewhere: `production
    /// user-service`, or `user-service-production` as files are called.
    fn other_order(&self, name: &Arc<str>) -> Option<(Arc<str>, Vec<Arc<str>>)> {
        let asked = &self.address.profiles;
        let swapped = || {
            let [application] = asked.as_slice() else { return None };
            let profiles: Vec<Arc<str>> = name.split(',').map(Arc::from).collect();
            let is_meant = self.has_application(application) && profiles.iter().all(|name| self.has_profile(name));
            is_meant.then(|| (Arc::clone(application), profiles))
        };
        let glued = || {
            let is_default = matches!(asked.as_slice(), [only] if **only == *DEFAULT_PROFILE);
            let cuts = name.match_indices('-').filter(|_| is_default);
            let mut cuts = cuts.map(|(at, _)| (&name[..at], &name[at + 1..]));
            let (application, profile) =
                cuts.find(|(application, profile)| self.has_application(application) && self.has_profile(profile))?;
            Some((Arc::from(application), vec![Arc::from(profile)]))
        };
        let found = swapped().or_else(glued);
        found.filter(|(application, profiles)| self.may_see(application, profiles))
    }

    fn near_applications(&self, name: &str) -> Vec<Arc<str>> {
        nearest(name, self.applications().iter().map(|known| &**known)).into_iter().map(Arc::from).collect()
    }

    fn near_profiles(&self, name: &str) -> Vec<Arc<str>> {
        nearest(name, self.all_profiles().iter().map(|known| &**known)).into_iter().map(Arc::from).collect()
    }

    /// The applications that may be proposed.
    fn applications(&self) -> BTreeSet<Arc<str>> {
        let known = self.catalogues().flat_map(|catalogue| catalogue.applications.keys());
        known.filter(|known| self.is_seen(known)).cloned().collect()
    }

    /// The profiles that may be proposed.
    fn all_profiles(&self) -> BTreeSet<Arc<str>> {
        self.catalogues().flat_map(|catalogue| self.profiles(catalogue)).cloned().collect()
    }

    /// The profiles that may be proposed: all, or those of files that the asker is served.
    fn profiles(&self, catalogue: &'a Catalogue) -> Vec<&'a Arc<str>> {
        if matches!(self.sight, Sight::Whole) {
            return catalogue.named.iter().collect();
        }
        let is_seen =
            |application: &Arc<str>, profile: &Arc<str>| self.may_see(application, std::slice::from_ref(profile));
        let own = catalogue.applications.iter();
        let own = own.flat_map(|(name, profiles)| profiles.iter().filter(move |profile| is_seen(name, profile)));
        own.chain(catalogue.shared.iter().filter(|profile| is_seen(&self.address.application, profile))).collect()
    }

    /// Whether the asker may read an application in some profile that it has.
    fn is_seen(&self, application: &Arc<str>) -> bool {
        let mut known = self.catalogues().flat_map(|catalogue| catalogue.profiles(application));
        self.may_see(application, &self.address.profiles) || known.any(|profile| self.may_see(application, &[profile]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::Fake;

    fn chosen() -> Chosen {
        let fake = Fake::new();
        let files = [
            ("application.yml", "a: 1\n---\nspring.config.activate.on-profile: night & !eu\nb: 1\n"),
            ("application-production.yml", "a: 1\n"),
            ("user-service.yml", "a: 1\n"),
            ("user-service-staging.yml", "a: 1\n"),
            ("order-service/application.yml", "a: 1\n"),
            ("hidden.yml", "a: 1\n"),
            ("hidden-blackfriday.yml", "a: 1\n"),
        ];
        fake.commit("main", &files);
        let live = fake.live(None, 3);
        live.advance().unwrap();
        let (label, snapshot) = live.labelled(None).unwrap().unwrap();
        Chosen::alone(label, snapshot)
    }

    /// The sentence and the question about an address, for somebody who sees everything or all but `hidden`.
    fn told(application: &str, profiles: &str, sight: Sight<'_>) -> Option<String> {
        let address = Address::parse(application, Some(profiles), None).unwrap();
        chosen().unknown(&address, sight).map(|unknown| unknown.header())
    }

    #[test]
    fn names_that_something_names_pass() {
        for (application, profiles) in [
            ("user-service", "default"),
            ("user-service", "production"),
            ("order-service", "staging"),
            ("user-service", "night,eu,production"),
        ] {
            assert_eq!(told(application, profiles, Sight::Whole), None, "{application} {profiles}");
        }
    }

    #[test]
    fn names_that_nothing_names_are_reported_with_what_was_probably_meant() {
        let nothing = "nothing in the repository names";
        for (application, profiles, expected) in [
            ("usr-service", "staging", "the application `usr-service`; did you mean `user-service`?"),
            ("service", "staging", "the application `service`; did you mean `order-service` or `user-service`?"),
            ("zebra", "staging", "the application `zebra`"),
            ("user-service", "prodution", "the profile `prodution`; did you mean `production`?"),
            ("user-service", "eu,x,y", "the profiles `x`, `y`"),
            ("user-service", "prod\u{fc}ktion", "the profile `prod?ktion`; did you mean `production`?"),
            (
                "usr-service",
                "night,stagng",
                "the application `usr-service` or the profile `stagng`; did you mean `user-service/night,staging`?",
            ),
            (
                "user-service",
                "stagng,nigth",
                "the profiles `stagng`, `nigth`; did you mean `user-service/staging,night`?",
            ),
        ] {
            assert_eq!(told(application, profiles, Sight::Whole), Some(format!("{nothing} {expected}")));
        }
    }

    #[test]
    fn words_in_another_order_or_glued_together_are_recognised() {
        let meant = |application: &str, profiles: &str| {
            let told = told(application, profiles, Sight::Whole).unwrap();
            told.split_once("; ").map(|(_, hint)| hint.to_owned()).unwrap_or_default()
        };
        assert_eq!(meant("production", "user-service"), "did you mean `user-service/production`?");
        assert_eq!(meant("production,eu", "user-service"), "did you mean `user-service/production,eu`?");
        assert_eq!(meant("user-service-staging", "default"), "did you mean `user-service/staging`?");
        assert_eq!(meant("staging", "default"), "`staging` is a profile, and the application comes first");
        assert_eq!(meant("production", "staging"), "`production` is a profile, and the application comes first");
    }

    #[test]
    fn what_there_is_is_listed_where_nothing_is_near() {
        let others = |application: &str, profiles: &str| {
            let address = Address::parse(application, Some(profiles), None).unwrap();
            chosen().unknown(&address, Sight::Whole).unwrap().others
        };
        let applications = "the applications are `hidden`, `order-service` and `user-service`";
        assert_eq!(others("zebra", "default").as_deref(), Some(applications));
        let profiles = "the profiles are `blackfriday`, `eu`, `night`, `production` and `staging`";
        assert_eq!(others("user-service", "zebra").as_deref(), Some(profiles));
        assert_eq!(others("usr-service", "default"), None);
    }

    #[test]
    fn names_that_the_asker_may_not_see_are_not_proposed() {
        let sees = |application: &Arc<str>, _: &Arc<str>, _: &str| **application != *"hidden";
        for sight in [Sight::Whole, Sight::Part(&sees)] {
            let is_whole = matches!(sight, Sight::Whole);
            for (application, profiles, name) in [
                ("hiden", "default", "`hidden`"),
                ("user-service", "blackfridy", "`blackfriday`"),
                ("production", "hidden", "`hidden/production`"),
                ("hidden-blackfriday", "default", "`hidden/blackfriday`"),
            ] {
                let told = told(application, profiles, sight).unwrap();
                assert_eq!(told.contains(name), is_whole, "{told}");
            }
            assert!(told("usr-service", "stagng", sight).unwrap().ends_with("did you mean `user-service/staging`?"));
        }
    }
}
