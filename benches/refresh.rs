//! What a new commit costs: every file of it, and one changed file of it, at 10,000 files; and what sealed values add.

#[path = "support/sealed.rs"]
mod sealed;
mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use layerd::config::select::Rank;
use layerd::secret::place::{Context, Place};
use layerd::secret::sealed::Sealed;
use layerd::snapshot::{Bodies, OnFailure, Secrets};

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

/// What sealed values add to a build, and to turn all of them over to another key.
fn secrets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("secrets");
    group.sample_size(10);
    let open = sealed::repository(1_000, 100);
    let mut closed = sealed::repository(1_000, 100);
    closed.secrets = Secrets { on_failure: OnFailure::Leave, ..Secrets::default() };
    group.bench_function("cold build of 100,000 sealed values, without a key", |bencher| {
        bencher.iter(|| black_box(&closed).build(&mut Bodies::default()));
    });
    group.bench_function("cold build of 100,000 sealed values, opened", |bencher| {
        bencher.iter(|| black_box(&open).build(&mut Bodies::default()));
    });
    let mut bodies = Bodies::default();
    let _held = open.build(&mut bodies);
    group.bench_function("build of 100,000 sealed values that were opened before", |bencher| {
        bencher.iter(|| black_box(&open).build(&mut bodies));
    });
    let (old, new) = (sealed::ring(1), sealed::ring(2));
    let rank = Rank::named("user", None);
    let place = Place::of(&rank, "db.password");
    let values: Vec<_> = (0..1_000)
        .map(|number| old.seal("correct horse", Context::Prop, &place, sealed::nonce(number)).expect("it is short"))
        .collect();
    group.bench_function("rotation of 1,000 values", |bencher| {
        bencher.iter(|| {
            for (number, value) in values.iter().enumerate() {
                let sealed = Sealed::parse(value).expect("it is sealed").expect("it is whole");
                let plain = old.open(&sealed, &place).expect("the key is there");
                black_box(new.seal(plain.expose(), Context::Prop, &place, sealed::nonce(number))).expect("it is short");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, builds, secrets);
criterion_main!(benches);
