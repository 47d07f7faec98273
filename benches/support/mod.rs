//! A repository in memory, of any size, shaped as real ones are: shared layers, and two files for each service.

use std::collections::HashMap;
use std::sync::Arc;

use layerd::config::tree::{BlobId, CommitId, File, Tree};
use layerd::snapshot::{Bodies, Rules, Secrets, Snapshot};

/// The files of a repository, by path, and their bytes, by blob.
pub(crate) struct Repository {
    tree: Tree,
    pub(crate) blobs: HashMap<BlobId, String>,
    /// What sealed values are opened with.
    pub(crate) secrets: Secrets,
}

impl Repository {
    /// `application` with a file for production, and as many services with two files each.
    pub(crate) fn of_services(services: usize) -> Self {
        let mut repository = Self { tree: Tree::default(), blobs: HashMap::new(), secrets: Secrets::default() };
        repository.put("application.yml", shared("INFO"));
        repository.put("application-production.yml", shared("WARN"));
        for number in 0..services {
            repository.put(&format!("service-{number}/application.yml"), service(number));
            repository.put(&format!("service-{number}/application-production.yml"), production(number));
        }
        repository
    }

    /// Adds or changes a file.
    pub(crate) fn put(&mut self, path: &str, text: String) {
        let id = git2::Oid::hash_object(git2::ObjectType::Blob, text.as_bytes()).expect("a blob has an id");
        let blob = BlobId(id.as_bytes().try_into().expect("an id has 20 bytes"));
        self.tree.files.insert(Arc::from(path), File { blob, size: text.len() as u64 });
        self.blobs.insert(blob, text);
    }

    /// The snapshot of the files as they are.
    pub(crate) fn build(&self, bodies: &mut Bodies) -> Snapshot {
        let read = |blob: BlobId| Ok::<_, ()>(self.blobs[&blob].clone().into_bytes());
        let id = (CommitId([7; 20]), 0);
        Snapshot::build(id, self.tree.clone(), (&Rules::default(), &self.secrets), bodies, read)
            .expect("every blob is there")
    }
}

fn shared(level: &str) -> String {
    format!(
        "logging:\n  level:\n    root: {level}\n    org.hibernate.SQL: {level}\n\
         management:\n  endpoints:\n    web:\n      exposure:\n        include: [health, info, metrics]\n\
         resilience:\n  retry: {{attempts: 3, backoff: 200ms}}\n  timeout: 2s\n\
         spring:\n  jackson:\n    default-property-inclusion: non_null\n"
    )
}

fn service(number: usize) -> String {
    let routes: String = (0..10)
        .map(|route| format!("  - id: route-{route}\n    path: /api/{route}\n    timeout: {route}s\n"))
        .collect();
    format!(
        "server:\n  port: {}\nspring:\n  application:\n    name: service-{number}\n  datasource:\n    \
         url: jdbc:postgresql://${{DB_HOST:localhost}}:5432/service_{number}\n    pool: {{min: 2, max: 20}}\n\
         features:\n  search: true\n  export: false\nself: http://localhost:${{server.port}}/\nroutes:\n{routes}",
        8000 + number % 1000
    )
}

fn production(number: usize) -> String {
    format!("spring:\n  datasource:\n    pool: {{max: {}}}\nlogging.level.root: ERROR\nreplicas: 4\n", 20 + number % 10)
}
