//! A Citus cluster that somebody started, for the tests that the variable `FINOPS_TEST_CITUS_URL`
//! switches on: it names a database on the coordinator in which the cluster is set up. Each test gets
//! databases of its own on the same nodes.

use super::postgres::{Host, admin};
use ::postgres::{Client, Config, NoTls};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Few, so that a test's database is made quickly.
const SHARDS: u32 = 4;

pub struct Cluster {
    config: Config,
    /// The coordinator first: (host, port, whether it may hold shards).
    nodes: Vec<(String, u16, bool)>,
}

/// The cluster; None unless the variable names one.
pub fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER.get_or_init(connect).as_ref()
}

fn connect() -> Option<Cluster> {
    #[expect(clippy::disallowed_methods, reason = "whoever has a cluster says so")]
    let url = std::env::var("FINOPS_TEST_CITUS_URL").ok().filter(|url| !url.is_empty())?;
    let config: Config = url.parse().expect("FINOPS_TEST_CITUS_URL");
    let mut client = config.connect(NoTls).expect("a connection to the cluster");
    let sql = "SELECT nodename, nodeport, shouldhaveshards FROM pg_dist_node WHERE noderole = 'primary' ORDER BY groupid";
    let nodes = client.query(sql, &[]).expect("the nodes of the cluster");
    let nodes = nodes.iter().map(|row| (row.get(0), u16::try_from(row.get::<_, i32>(1)).expect("a port"), row.get(2)));
    let cluster = Cluster { config, nodes: nodes.collect() };
    cluster.sweep(&mut client);
    Some(cluster)
}

impl Cluster {
    fn node(&self, (host, port, _): &(String, u16, bool), database: &str) -> Client {
        let mut config = Config::new();
        // A test may ask across numbers and companies; finops may not.
        config.options("-c citus.enable_repartition_joins=on");
        config.host(host).port(*port).dbname(database).user(self.config.get_user().expect("a user in the URL"));
        if let Some(password) = self.config.get_password() {
            config.password(password);
        }
        config.connect(NoTls).unwrap_or_else(|error| panic!("{host}:{port}: {error:?}"))
    }

    /// Removes what tests left that are over.
    fn sweep(&self, client: &mut Client) {
        let names = client.query("SELECT datname::text FROM pg_database WHERE datname LIKE 'finops\\_t%'", &[]).expect("a list");
        for name in names.iter().map(|row| row.get::<_, String>(0)) {
            let process = name.trim_start_matches("finops_t").split('_').next().unwrap_or_default();
            if !std::path::Path::new("/proc").join(process).exists() {
                self.drop(&name);
            }
        }
    }

    /// Introduces the nodes to each other in a new database.
    fn set_up(&self, name: &str) {
        for node in &self.nodes {
            admin(&mut self.node(node, name), "CREATE EXTENSION citus");
        }
        let mut coordinator = self.node(&self.nodes[0], name);
        admin(&mut coordinator, &format!("ALTER DATABASE {name} SET citus.shard_count = {SHARDS}"));
        for (at, (host, port, holds)) in self.nodes.iter().enumerate() {
            let call = if at == 0 { "citus_set_coordinator_host" } else { "citus_add_node" };
            admin(&mut coordinator, &format!("SELECT {call}('{host}', {port})"));
            admin(&mut coordinator, &format!("SELECT citus_set_node_property('{host}', {port}, 'shouldhaveshards', {holds})"));
        }
    }
}

impl Host for Cluster {
    fn create(&self, copy_of: Option<&str>) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("finops_t{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        for node in &self.nodes {
            let mut client = self.node(node, "postgres");
            let template = copy_of.unwrap_or("template0");
            let copy = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY");
            // Citus' own processes look into the template now and then.
            let leave = format!("SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = '{template}'");
            let copied = (0..20).any(|_| client.batch_execute(&leave).is_ok() && client.batch_execute(&copy).is_ok());
            assert!(copied, "{copy}");
        }
        match copy_of {
            None => self.set_up(&name),
            // A setting of a database is not copied with it.
            Some(_) => admin(&mut self.client(&name), &format!("ALTER DATABASE {name} SET citus.shard_count = {SHARDS}")),
        }
        name
    }

    fn drop(&self, database: &str) {
        for node in &self.nodes {
            admin(&mut self.node(node, "postgres"), &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
        }
    }

    fn url(&self, database: &str) -> String {
        let password = self.config.get_password().map(|p| format!(":{}", String::from_utf8_lossy(p))).unwrap_or_default();
        let (host, port, _) = &self.nodes[0];
        format!("postgres://{}{password}@{host}:{port}/{database}", self.config.get_user().unwrap_or_default())
    }

    fn client(&self, database: &str) -> Client {
        self.node(&self.nodes[0], database)
    }
}
