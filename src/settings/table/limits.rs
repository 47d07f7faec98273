//! The rows of `limits`: what files, requests and answers may cost.

use crate::http;
use crate::settings::Limits;
use crate::settings::kind::{DAY, GIB, HOUR, MIB, count, size, time};
use crate::settings::row::{Row, row};

pub(super) const ROWS: &[Row] = &[
    row!(
        "limits.file",
        size(GIB),
        "1MiB",
        "Bytes of one configuration file. Larger ones are data.",
        |s: &mut Limits, v| s.format.file = v,
    ),
    row!("limits.files", count(10_000_000), "100000", "Files in one commit.", |s: &mut Limits, v| s.files = v,),
    row!("limits.depth", count(128), "64", "Nesting of maps and lists in one file.", |s: &mut Limits, v| s
        .format
        .depth =
        v,),
    row!(
        "limits.nodes",
        count(100_000_000),
        "500000",
        "Values in one file, aliases expanded, because a few lines of aliases can stand for billions.",
        |s: &mut Limits, v| s.format.nodes = v,
    ),
    row!("limits.documents", count(100_000), "100", "Documents in one file.", |s: &mut Limits, v| s.format.documents =
        v,),
    row!(
        "limits.body",
        size(GIB),
        "64KiB",
        "Bytes of a request's body. A refresh takes no notice of its own.",
        |s: &mut http::Settings, v| s.limits.body = v,
    ),
    row!("limits.path", size(MIB), "4KiB", "Bytes of a request's path and query.", |s: &mut http::Settings, v| s
        .limits
        .path =
        v,),
    row!("limits.headers", size(16 * MIB), "16KiB", "Bytes of a request's headers.", |s: &mut http::Settings, v| s
        .limits
        .headers =
        v,),
    row!(
        "limits.header-time",
        time(1, HOUR),
        "10s",
        "From the first byte of a request to the last of its headers, because slow senders would hold connections for nothing.",
        |s: &mut http::Settings, v| s.limits.header_time = v,
    ),
    row!(
        "limits.idle-time",
        time(1, DAY),
        "75s",
        "A connection without a request. Longer than the minute after which proxies usually give up, so that they are the ones to close.",
        |s: &mut http::Settings, v| s.limits.idle_time = v,
    ),
    row!("limits.connections", count(1_000_000), "20000", "Connections at once.", |s: &mut http::Settings, v| s
        .limits
        .connections =
        v,),
    row!(
        "limits.watchers",
        count(1_000_000),
        "20000",
        "Clients that wait for changes at once, as long polls and event streams.",
        |s: &mut http::Settings, v| s.limits.watchers = v,
    ),
    row!(
        "limits.answer",
        size(GIB),
        "16MiB",
        "Bytes of one answer, counted while it is made, because placeholders and long names can make gigabytes of a small file.",
        |s: &mut Limits, v| s.format.answer = v,
    ),
    row!(
        "limits.answers",
        size(1024 * GIB),
        "64MiB",
        "Memory for spelled answers, the least used ones are dropped.",
        |s: &mut Limits, v| s.answers = v,
    ),
    row!("limits.snapshots", count(100_000), "64", "Commits kept in memory.", |s: &mut Limits, v| s.snapshots = v,),
    row!(
        "limits.cold",
        count(256),
        "4",
        "Requests that read the local mirror at once, for a label or a commit that is not in memory.",
        |s: &mut Limits, v| s.cold = v,
    ),
];
