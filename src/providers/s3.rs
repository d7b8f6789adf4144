//! S3-compatible object storage: AWS, MinIO, Ceph, Garage, R2, B2 and their like.
//!
//! Requests are signed in their headers (Signature Version 4), with the body's SHA-256 in the
//! signature: a body that was damaged on its way is refused by every such server, while the newer
//! `x-amz-checksum-…` headers are unknown to some of them. Objects are named by their content, so
//! that sending one again is harmless, and nothing is ever deleted.

mod error;
mod signature;

use super::digest::sha256_hex;
use super::folder::relative_name;
use super::http::{Answer, Http, Reach, Request, Words};
use crate::model::{Failure, FailureClass, Receipt, Secret, text_enum};
use chrono::{DateTime, Utc};
use error::ApiError;
use signature::Signer;
use std::time::Duration;
use ureq::http::Method;
use url::Url;

/// S3's own limit for an upload in one part, in bytes (5 GiB).
const LARGEST: usize = 5 << 30;

/// S3's own limit for a name, in bytes.
const LONGEST_NAME: usize = 1024;

const TIMEOUT: Duration = Duration::from_secs(60);

text_enum! {
    /// How the server encrypts what it stores; most do it unasked.
    pub enum Encryption ("server-side encryption") {
        Aes256 = "AES256",
        AwsKms = "aws:kms",
    }
}

/// A bucket, and the right to write to it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://s3.eu-central-1.amazonaws.com`; a path in it is kept.
    pub endpoint: Url,
    pub region: String,
    pub bucket: String,
    /// Before each object's name, without slashes at its ends; may be empty.
    pub prefix: String,
    /// `endpoint/bucket/object` instead of `bucket.endpoint/object`.
    pub path_style: bool,
    pub access_key_id: Secret<String>,
    pub secret_access_key: Secret<String>,
    /// With temporary credentials.
    pub session_token: Option<Secret<String>>,
    pub server_side_encryption: Option<Encryption>,
    /// The server's word for it: `STANDARD_IA`.
    pub storage_class: Option<String>,
}

/// A bucket, for calls.
#[derive(Debug)]
pub struct Bucket {
    settings: Settings,
    http: Http,
}

impl Bucket {
    /// Connects to nothing yet. An endpoint in a private network is called, by plain HTTP too, since
    /// the configuration alone names it; over the internet it must be HTTPS.
    pub const fn new(settings: Settings) -> Self {
        Self { settings, http: Http::new(Reach::Private, TIMEOUT) }
    }

    /// The name of an object: `prefix/seller/2026/INV-2026-000001.SHA256.pdf`, its parts made safe as
    /// in the folder of documents. `sha256` is that of the content, in hexadecimal.
    pub fn object_name(&self, seller: &str, year: &str, number: &str, sha256: &str) -> String {
        let name = relative_name(&[seller, year, &format!("{number}.{sha256}.pdf")]);
        if self.settings.prefix.is_empty() { name } else { format!("{}/{name}", self.settings.prefix) }
    }

    /// Stores an object, whole or not at all. Doing so again changes nothing. `at` is the time now,
    /// by which the server holds the signature valid for 15 minutes.
    ///
    /// # Errors
    /// With the class after reliability.md; `local` when this machine's clock is wrong.
    pub fn put(&self, object: &str, content: &[u8], content_type: &str, at: DateTime<Utc>) -> Result<Receipt, Failure> {
        if content.len() > LARGEST || object.len() > LONGEST_NAME {
            let limits = "5 GiB, and 1024 bytes for the name";
            return Err(Failure::new(FailureClass::Rejected, format!("{object} is larger than S3 takes at once ({limits})")));
        }
        let sha256 = sha256_hex(content);
        let mut headers = vec![("content-type", content_type.to_owned())];
        if let Some(encryption) = self.settings.server_side_encryption {
            headers.push(("x-amz-server-side-encryption", encryption.to_string()));
        }
        if let Some(class) = &self.settings.storage_class {
            headers.push(("x-amz-storage-class", class.clone()));
        }
        let answer = self.call(Method::PUT, object, headers, (content, &sha256), at)?;
        if answer.header("etag").is_none() {
            // Something else may say 200 to anything. Every object storage tells the object's ETag.
            let reason = format!("{} took {object} as no object storage does (without an ETag): check endpoint", answer.host);
            return Err(Failure::new(FailureClass::Denied, reason));
        }
        let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
        Ok(Receipt { provider_ref: format!("s3://{}/{object}", self.settings.bucket), sha256, bytes })
    }

    /// Looks whether an object is there: its size in bytes, or none. A missing bucket looks like a
    /// missing object, and on AWS a missing object is `denied` without the right `s3:ListBucket`.
    pub fn find(&self, object: &str, at: DateTime<Utc>) -> Result<Option<u64>, Failure> {
        let answer = self.call(Method::HEAD, object, Vec::new(), (&[], &sha256_hex(&[])), at)?;
        if answer.status == 404 {
            return Ok(None);
        }
        let length = answer.header("content-length").and_then(|length| length.parse().ok());
        let unread = || Failure::new(FailureClass::Broken, format!("{} does not tell the size of {object}", answer.host));
        length.ok_or_else(unread).map(Some)
    }

    /// The same for an object by the reference that `put` returned; one of another bucket is not found.
    pub fn find_stored(&self, provider_ref: &str, at: DateTime<Utc>) -> Result<Option<u64>, Failure> {
        match provider_ref.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) {
            Some((bucket, object)) if bucket == self.settings.bucket => self.find(object, at),
            _ => Ok(None),
        }
    }

    /// A good answer, or to a HEAD that nothing is there.
    fn call(
        &self,
        method: Method,
        object: &str,
        mut headers: Vec<(&'static str, String)>,
        (content, sha256): (&[u8], &str),
        at: DateTime<Utc>,
    ) -> Result<Answer, Failure> {
        let unusable = || Failure::new(FailureClass::Rejected, format!("no URL can be made for {object} in the bucket"));
        let url = self.url(object).ok_or_else(unusable)?;
        if let Some(token) = &self.settings.session_token {
            headers.push(("x-amz-security-token", token.expose().clone()));
        }
        let signer = Signer {
            access_key_id: self.settings.access_key_id.expose(),
            secret: self.settings.secret_access_key.expose(),
            region: &self.settings.region,
        };
        let signature = signer.sign(method.as_str(), &url, &mut headers, sha256, at);
        let may_be_missing = method == Method::HEAD;
        let answer = self.http.send(&Request { method, url: &url, headers, body: content })?;
        if answer.is_good() || (may_be_missing && answer.status == 404) {
            return Ok(answer);
        }
        Err(self.failure(&answer, &signature, at))
    }

    /// None for a bucket that no host name can begin with.
    fn url(&self, object: &str) -> Option<Url> {
        let mut url = self.settings.endpoint.clone();
        let mut path = url.path().trim_end_matches('/').to_owned();
        if self.settings.path_style {
            path.push('/');
            path.push_str(&self.settings.bucket);
        } else {
            let host = format!("{}.{}", self.settings.bucket, url.host_str()?);
            url.set_host(Some(&host)).ok()?;
        }
        path.push('/');
        path.push_str(&signature::encoded_path(object));
        url.set_path(&path);
        Some(url)
    }

    fn failure(&self, answer: &Answer, signature: &str, at: DateTime<Utc>) -> Failure {
        let Settings { secret_access_key, access_key_id, session_token, .. } = &self.settings;
        let token = session_token.as_ref().map_or("", |token| token.expose());
        let secrets = [secret_access_key.expose().as_str(), access_key_id.expose(), token, signature];
        match ApiError::read(&answer.body) {
            Some(error) => {
                let words = Words::without(&error.told(), &secrets);
                match error.class() {
                    Some(class) => answer.failure_of(class, &words, at),
                    None => answer.failure(&words, at),
                }
            }
            None => answer.failure(&Words::first_line(&answer.body, &secrets), at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(endpoint: &str, path_style: bool, prefix: &str) -> Bucket {
        Bucket::new(Settings {
            endpoint: endpoint.parse().unwrap(),
            region: "eu-central-1".to_owned(),
            bucket: "books".to_owned(),
            prefix: prefix.to_owned(),
            path_style,
            access_key_id: Secret::new("AKIAEXAMPLE".to_owned()),
            secret_access_key: Secret::new("canary-4711".to_owned()),
            session_token: None,
            server_side_encryption: None,
            storage_class: None,
        })
    }

    #[test]
    fn objects_are_named_by_their_content() {
        let at = bucket("https://s3.example", true, "finops/invoices");
        let name = at.object_name("nord", "2026", "INV-2026-000001", "abc");
        assert_eq!(name, "finops/invoices/nord/2026/INV-2026-000001.abc.pdf");
        assert_eq!(bucket("https://s3.example", true, "").object_name("a/..", "2026", "1", "c"), "a%2F../2026/1.c.pdf");
    }

    #[test]
    fn urls_have_the_bucket_in_the_path_or_in_the_host() {
        let url = |endpoint: &str, path_style, object: &str| bucket(endpoint, path_style, "").url(object).unwrap().to_string();
        assert_eq!(url("https://s3.example:9000", true, "a/b"), "https://s3.example:9000/books/a/b");
        assert_eq!(url("https://s3.example/gateway/", true, "a/b"), "https://s3.example/gateway/books/a/b");
        assert_eq!(url("https://s3.example", false, "a/b"), "https://books.s3.example/a/b");
        // What is escaped in a name is a part of the name: it must not be taken for the path itself.
        assert_eq!(url("https://s3.example", true, "a%2F../%2E/é b"), "https://s3.example/books/a%252F../%252E/%C3%A9%20b");
    }

    #[test]
    fn what_cannot_be_stored_is_told_before_it_is_sent() {
        let failure =
            bucket("https://s3.example", true, "").put(&"n".repeat(1025), b"x", "application/pdf", DateTime::UNIX_EPOCH);
        assert_eq!(failure.unwrap_err().class, FailureClass::Rejected);
    }
}
