//! The rows that belong to no section: how configuration is read, and where mirrors live.

use crate::config::semantics::Semantics;
use crate::settings::Settings;
use crate::settings::kind::{Choice, LocalPath};
use crate::settings::row::{Row, optional, row};

pub(super) const SEMANTICS: &[Row] = &[row!(
    "semantics",
    Choice(&[("native", Semantics::Native), ("spring", Semantics::Spring)]),
    "native",
    "How layers are ordered and values read. Native ([layering.md](layering.md)): what is said about one service is stronger than what is said about all. Spring ([spring.md](spring.md)): as Spring Cloud Config Server does it; `--from-spring` sets it.",
    |s: &mut Settings, v| s.semantics = v,
)];

pub(super) const STATE: &[Row] = &[
    optional!(
        "state",
        LocalPath,
        "The folder where mirrors live. Without it `layerd` below `$XDG_STATE_HOME` or `~/.local/state`, else `/var/lib/layerd`, because that is where programs keep what outlives a restart.",
        |s: &mut Settings, v| s.state = v,
    )
    .with_flag("--state", "DIR", "The folder where mirrors live")
    .suggested_by(|environment| environment.state().to_string_lossy().into_owned()),
];
