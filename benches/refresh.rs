//! What a new commit costs: every file of it, and one changed file of it, at 10,000 files.

mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use layerd::snapshot::Bodies;

/// With two files for each service and two for all.
const SERVICES: usize = 4_999;

fn builds(criterion: &mut Criterion) {
    let mut repository = support::Repository::of_services(SERVICES);
    let mut group = criterion.benchmark_group("refresh");
    group.sample_size(10);
    group.bench_function("cold build of 10,000 files", |bencher| {
        bencher.iter(|| black_box(&repository).build(&mut Bodies::default()));
    });
    let mut bodies = Bodies::default();
    let _held = repository.build(&mut bodies);
    let mut edit = 0;
    group.bench_function("one changed file of 10,000", |bencher| {
        bencher.iter(|| {
            edit += 1;
            repository.put("service-7/application.yml", format!("edit: {edit}\n"));
            black_box(&repository).build(&mut bodies)
        });
    });
    group.finish();
}

criterion_group!(benches, builds);
criterion_main!(benches);
