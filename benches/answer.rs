//! What one answer costs when it is not in memory: select, merge, spell, at three sizes of repository.

mod support;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use layerd::answer::{Spelling, select, spell};
use layerd::config::address::Address;
use layerd::snapshot::Bodies;
use layerd::store::Chosen;
use layerd::store::answers::Memo;

fn answers(criterion: &mut Criterion) {
    let address = Address::parse("service-7", Some("production"), None).expect("it is an address");
    let spelling = Spelling::default();
    for services in [10, 100, 1_000] {
        let snapshot = Arc::new(support::Repository::of_services(services).build(&mut Bodies::default()));
        let chosen = Chosen::alone(Arc::from("main"), Arc::clone(&snapshot));
        let selection = select(&snapshot, &address).expect("no file is broken");
        let memo = Memo::new(64 << 20);
        let mut group = criterion.benchmark_group("answer");
        group.bench_function(BenchmarkId::new("select", services), |bencher| {
            bencher.iter(|| select(black_box(&snapshot), &address));
        });
        group.bench_function(BenchmarkId::new("merge", services), |bencher| {
            bencher.iter(|| black_box(&selection).effective());
        });
        group.bench_function(BenchmarkId::new("spell", services), |bencher| {
            bencher.iter(|| spell(black_box(&selection), &spelling));
        });
        group.bench_function(BenchmarkId::new("from memory", services), |bencher| {
            bencher.iter(|| memo.answer(black_box(&chosen), &address, &spelling));
        });
        group.finish();
    }
}

criterion_group!(benches, answers);
criterion_main!(benches);
