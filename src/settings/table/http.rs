//! The rows of `http`: where the server listens.

use crate::http;
use crate::settings::kind::{ListenAddress, Switch, prefix};
use crate::settings::row::{Row, row};

pub(super) const ROWS: &[Row] = &[
    row!(
        "http.listen",
        ListenAddress,
        "127.0.0.1:8888",
        "Address and port; port 0 picks a free one. Loopback, because there is no authentication by default. 8888, because that is where configuration servers are looked for.",
        |s: &mut http::Settings, v| s.listen = v,
    )
    .with_flag("--listen", "ADDR:PORT", "Where to listen; port 0 picks a free one [default: 127.0.0.1:8888]"),
    row!(
        "http.prefix",
        prefix(),
        r#""""#,
        "A path in front of all others, for servers that share a host name.",
        |s: &mut http::Settings, v| s.prefix = v,
    ),
    row!(
        "http.insecure-open",
        Switch,
        "false",
        "Allows to listen beyond loopback. A setting of its own, so that nobody does it by accident.",
        |s: &mut http::Settings, v| s.insecure_open = v,
    )
    .with_variable("LAYERD_INSECURE_OPEN")
    .with_switch("--insecure-open", "Listen beyond loopback although there is no TLS, and no authentication by default"),
];
