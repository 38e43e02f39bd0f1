//! Configurations of installations on PostgreSQL and a bucket.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use overread_archive::{Archive, S3Secret, S3Settings, limits};
use overread_store::Store;

/// Where an installation outside of its data folder is.
pub(crate) struct Outside {
    /// Address of PostgreSQL: `host:port` or the path of a socket.
    pub(crate) database: String,
    /// Address of the object store: `host:port`.
    pub(crate) objects: String,
    url: String,
    schema: String,
    prefix: String,
}

impl Outside {
    /// Takes a new schema and a new part of the bucket, when both servers are offered.
    pub(crate) fn new(test: &str) -> Option<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let url = overread_testkit::postgres::server_url(test)?;
        let endpoint = overread_testkit::s3::endpoint(test)?;
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{test}_{}_{number}", std::process::id());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = Store::open_postgres_in(&url, &name).await.unwrap();
            store.close().await;
        });
        let host = url.strip_prefix("postgres://overread@").unwrap();
        let host = host.strip_suffix("/postgres").unwrap();
        let database = if host.starts_with("%2F") {
            format!("{}/.s.PGSQL.5432", host.replace("%2F", "/"))
        } else {
            host.to_owned()
        };
        Some(Self {
            database,
            objects: endpoint.strip_prefix("http://").unwrap().to_owned(),
            url,
            prefix: name.clone(),
            schema: name,
        })
    }

    /// Returns the same part of the bucket beside a new schema.
    pub(crate) fn with_new_database(&self) -> Self {
        let schema = format!("{}_new", self.schema);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = Store::open_postgres_in(&self.url, &schema).await.unwrap();
            store.close().await;
        });
        Self {
            database: self.database.clone(),
            objects: self.objects.clone(),
            url: self.url.clone(),
            prefix: self.prefix.clone(),
            schema,
        }
    }

    /// Opens the facts.
    pub(crate) async fn store(&self) -> Store {
        Store::open_postgres_in(&self.url, &self.schema)
            .await
            .unwrap()
    }

    /// Opens the bytes, with caches in this folder.
    pub(crate) async fn archive(&self, folder: &Path) -> Archive {
        let settings = S3Settings {
            endpoint: format!("http://{}", self.objects),
            region: "us-east-1".to_owned(),
            bucket: overread_testkit::s3::BUCKET.to_owned(),
            prefix: self.prefix.clone(),
            access_key_id: "test".to_owned(),
            secret: S3Secret::new("hidden-key"),
            allow_http: true,
            cache_bytes: limits::CACHE_MIN_BYTES,
            patience: limits::PATIENCE,
        };
        Archive::open_s3(folder, &settings).await.unwrap()
    }

    /// Makes a data folder that leads there; another address may stand for each server, such as a gate's.
    pub(crate) fn configure(&self, data: &Path, database: Option<&str>, objects: Option<&str>) {
        std::fs::create_dir_all(data).unwrap();
        let socket = self.database.strip_suffix("/.s.PGSQL.5432");
        let host = match (database, socket) {
            (Some(address), _) => address.to_owned(),
            (None, Some(folder)) => folder.replace('/', "%2F"),
            (None, None) => self.database.clone(),
        };
        let (schema, prefix) = (&self.schema, &self.prefix);
        let bucket = overread_testkit::s3::BUCKET;
        let objects = objects.unwrap_or(&self.objects);
        let text = format!(
            "database_url = 'postgres://overread@{host}/postgres?options[search_path]={schema}'\nbehind_proxy = true\n\n\
             [archive.s3]\nendpoint = 'http://{objects}'\nbucket = '{bucket}'\nprefix = '{prefix}'\naccess_key_id = 'test'\n\
             secret = 'hidden-key'\nallow_http = true\ncache_mib = 64\n"
        );
        std::fs::write(data.join("config.toml"), text).unwrap();
    }
}
