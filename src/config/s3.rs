//! `[documents.s3]`: the bucket that PDFs go to.

use super::section::one_of;
use super::{Secret, Section, source};
use crate::providers::s3::{Encryption, Settings};
use std::path::Path;
use url::{Host, Url};

/// None when something is wrong, which has been noted.
pub fn read(section: &mut Section<'_, '_>, file: &Path) -> Option<Settings> {
    let bucket = section.required_text("bucket", |text| bucket(text).map(str::to_owned));
    let region = section.text("region", "us-east-1".to_owned(), |text| word(text, "-_").map(str::to_owned));
    let own_endpoint = section.has("endpoint");
    let default = Url::parse(&format!("https://s3.{region}.amazonaws.com")).ok()?;
    let endpoint = section.text("endpoint", default, endpoint);
    let path_style = section.boolean("path_style", own_endpoint);
    let prefix = section.text("prefix", String::new(), |text| prefix(text).map(str::to_owned));
    let server_side_encryption = section.optional_text("server_side_encryption", |text| {
        text.parse::<Encryption>().map_err(|_| one_of(Encryption::ALL.iter().map(|word| word.as_str())))
    });
    let storage_class = section.optional_text("storage_class", |text| word(text, "_").map(str::to_owned));
    let access_key_id = source::required(section, "access_key_id", file, key);
    let secret_access_key = source::required(section, "secret_access_key", file, key);
    let session_token = source::secret(section, "session_token", file, key);
    let bucket = bucket?;
    if !path_style && !can_be_host(&bucket, &endpoint) {
        let reason = "must be true: this bucket and this endpoint cannot be put together into the name of a host";
        section.mistake(&section.place_of("path_style"), "path_style", reason);
    }
    Some(Settings {
        endpoint,
        region,
        bucket,
        prefix,
        path_style,
        access_key_id: access_key_id?,
        secret_access_key: secret_access_key?,
        session_token,
        server_side_encryption,
        storage_class,
    })
}

/// S3's rule for names of buckets.
fn bucket(text: &str) -> Result<&str, String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let valid = (3..=63).contains(&text.len()) && text.chars().all(|c| good(c) || c == '-' || c == '.');
    if valid && text.starts_with(good) && text.ends_with(good) {
        Ok(text)
    } else {
        Err("must be the name of a bucket: 3 to 63 small letters, digits, - and .".to_owned())
    }
}

/// Letters, digits, and what else is allowed.
fn word<'t>(text: &'t str, also: &str) -> Result<&'t str, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    if text.chars().all(allowed) { Ok(text) } else { Err(format!("must be of letters, digits and {also}")) }
}

fn endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "must be a URL, such as https://s3.example.com".to_owned())?;
    if !["https", "http"].contains(&url.scheme()) || url.host().is_none() {
        return Err("must begin with https://, or with http:// in a private network".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("must be a host, perhaps with a port and a path, and nothing else".to_owned());
    }
    Ok(url)
}

/// A folder within the bucket. Dots at the beginning would mean another one to some servers.
fn prefix(text: &str) -> Result<&str, String> {
    let text = text.trim_matches('/');
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(good);
    if text.len() <= 200 && (text.is_empty() || text.split('/').all(part)) {
        Ok(text)
    } else {
        Err("must be of letters, digits, -, _ and inner dots, with / between folders, and at most 200".to_owned())
    }
}

/// What goes into a header, as it is.
fn key(text: &str) -> Result<Secret<String>, String> {
    if text.chars().all(|c| c.is_ascii_graphic()) {
        Ok(Secret::new(text.to_owned()))
    } else {
        Err("must be in one piece, without spaces or other signs that no key has".to_owned())
    }
}

/// A certificate for `*.host` does not hold for a bucket with a dot in it; an IP address has no names
/// below it.
fn can_be_host(bucket: &str, endpoint: &Url) -> bool {
    matches!(endpoint.host(), Some(Host::Domain(_))) && !bucket.contains('.')
}
