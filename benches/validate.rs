//! What `validate` costs at 10,000 files and three profiles: the check alone on one thread and on two, and with parsing
//! the files. Parsing alone is there
//! because the others mean something beside it.

mod support;

use std::hint::black_box;
use std::thread;

use criterion::{Criterion, criterion_group, criterion_main};
use layerd::check::policy::Policy;
use layerd::check::{Input, Plan, Report, Texts};
use layerd::format::Limits;
use layerd::snapshot::{Bodies, Snapshot};

/// With two files for each service and three for all.
const SERVICES: usize = 4_999;

fn checks(criterion: &mut Criterion) {
    let mut repository = support::Repository::of_services(SERVICES);
    repository.put("application-staging.yml", "environment: staging\nlevel: ${LOG_LEVEL:INFO}\n".to_owned());
    let snapshot = repository.build(&mut Bodies::default());
    let texts: Texts = repository.blobs.iter().map(|(blob, text)| (*blob, text.clone().into_bytes())).collect();
    assert_eq!(snapshot.known_addresses().count(), SERVICES * 3);
    let mut group = criterion.benchmark_group("validate");
    group.sample_size(10);
    group.bench_function("parse 10,000 files", |bencher| {
        bencher.iter(|| black_box(&repository).build(&mut Bodies::default()));
    });
    for threads in [1, 2] {
        group.bench_function(format!("check 10,000 files × 3 profiles on {threads} threads"), |bencher| {
            bencher.iter(|| check(black_box(&snapshot), &texts, threads));
        });
    }
    group.bench_function("both on 2 threads", |bencher| {
        bencher.iter(|| check(&black_box(&repository).build(&mut Bodies::default()), &texts, 2));
    });
    group.finish();
}

fn check(snapshot: &Snapshot, texts: &Texts, threads: usize) -> Report {
    let (limits, policy) = (Limits::default(), Policy::default());
    let plan = Plan::new(Input {
        snapshot,
        texts,
        others: &[],
        filtered: &[],
        limits: &limits,
        policy: &policy,
        before: None,
    });
    let parts = thread::scope(|scope| {
        let part = |number| plan.part(number, threads);
        let running: Vec<_> = (0..threads).map(|number| scope.spawn(move || part(number))).collect();
        running.into_iter().map(|thread| thread.join().expect("rules do not panic")).collect()
    });
    plan.finish(parts)
}

criterion_group!(benches, checks);
criterion_main!(benches);
