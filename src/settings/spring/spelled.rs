//! Settings of Spring that are spelled in several ways: the back end that is active, the prefix, how often is fetched.

use crate::config::problem::Position;

use super::Reader;
use super::rest::BACK_ENDS;

impl Reader<'_> {
    /// Whether the native back end is active. Profiles that stand for no back end are no business of ours.
    pub(super) fn back_end(&mut self) -> bool {
        let profiles = self.list("spring.profiles.active");
        let mut active: Vec<&str> = Vec::new();
        for (profile, at) in &profiles {
            let uniform = profile.to_lowercase().replace(['-', '_'], "");
            let Some((section, _)) = BACK_ENDS.iter().find(|(_, names)| names.contains(&uniform.as_str())) else {
                continue;
            };
            if !matches!(*section, "git" | "native") {
                let message =
                    format!("the profile `{profile}` of the server makes a back end active that is not there");
                self.refuse_with(*at, message, "`git` and `native` are");
            }
            active.push(section);
        }
        let is_native = active.contains(&"native");
        if let (true, true, Some((_, at))) = (is_native, active.contains(&"git"), profiles.first()) {
            let message = "the profiles `git` and `native` together are a composite, which is not available".to_owned();
            self.refuse_with(*at, message, "leave one of them out");
        }
        self.active = if is_native { "native" } else { "git" };
        is_native
    }

    /// The path in front of all others, in any spelling that Spring takes.
    pub(super) fn prefix(&mut self) {
        let mut prefix = String::new();
        let mut place = Position::default();
        for name in ["server.servlet.contextpath", "spring.mvc.servlet.path", "spring.cloud.config.server.prefix"] {
            let Some((text, at)) = self.value(name) else { continue };
            for step in text.split('/').map(str::trim).filter(|step| !step.is_empty()) {
                prefix = format!("{prefix}/{step}");
            }
            place = at;
        }
        if !prefix.is_empty() {
            self.put("http.prefix", &prefix, place);
        }
    }

    /// How often is fetched. Spring's 0 is for each request, and less than 0 never.
    pub(super) fn refresh(&mut self) {
        let Some((rate, at)) = self.of_server("git.refreshrate") else { return };
        match rate.trim().parse::<i64>() {
            Ok(0) => {}
            Ok(seconds) if seconds > 0 => self.put("sources[].refresh", &format!("{seconds}s"), at),
            Ok(_) => {
                let told = "`git.refresh-rate` is never: what is fetched is what a webhook or `POST /actuator/refresh` asks \
                            for, and all once in 30 days";
                let warning = self.mistake(at, told);
                self.inputs.warnings.push(warning);
                self.put("sources[].refresh", "30d", at);
            }
            Err(_) => self.refuse_with(
                at,
                format!("`git.refresh-rate` is `{rate}`, which is no number of seconds"),
                "`60` would be fine; `-1` is never",
            ),
        }
    }
}
