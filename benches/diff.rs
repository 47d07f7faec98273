//! What it costs to say what a commit changes for whom, at 10,000 files × 3 profiles: one service's file, and one that
//! all services share.

mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use layerd::answer::compare::touched;
use layerd::snapshot::Bodies;
use layerd::store::compare::compare_all;

/// With two files for each service and three for all.
const SERVICES: usize = 4_998;

fn diffs(criterion: &mut Criterion) {
    let mut repository = support::Repository::of_services(SERVICES);
    repository.put("application-staging.yml", "logging.level.root: DEBUG\n".to_owned());
    let mut bodies = Bodies::default();
    let base = repository.build(&mut bodies);
    repository.put("service-7/application.yml", "server.port: 1\n".to_owned());
    let one = repository.build(&mut bodies);
    repository.put("application.yml", "resilience.timeout: 3s\nlogging.level.root: WARN\n".to_owned());
    let all = repository.build(&mut bodies);
    let mut group = criterion.benchmark_group("diff");
    group.sample_size(10);
    for (name, head) in [("one service of 5,000", &one), ("a file that all share", &all)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| compare_all(black_box(&base), head, &touched(&base, head)));
        });
    }
    group.finish();
}

criterion_group!(benches, diffs);
criterion_main!(benches);
