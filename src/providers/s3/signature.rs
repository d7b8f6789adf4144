//! AWS Signature Version 4 in the headers of a request, with the hash of its body.
//!
//! Rules: AWS, "Authenticating Requests: Using the Authorization Header". Requests here have no query.

use crate::providers::digest::{hex, hmac_sha256, sha256_hex};
use chrono::{DateTime, Utc};
use std::fmt::Write;
use url::{Position, Url};

pub(super) struct Signer<'s> {
    pub access_key_id: &'s str,
    pub secret: &'s str,
    pub region: &'s str,
}

impl Signer<'_> {
    /// Adds `x-amz-date`, `x-amz-content-sha256` and `authorization`, and returns the signature in it. All
    /// headers given are signed; their names are in small letters.
    pub(super) fn sign(
        &self,
        method: &str,
        url: &Url,
        headers: &mut Vec<(&'static str, String)>,
        content_sha256: &str,
        at: DateTime<Utc>,
    ) -> String {
        let instant = at.format("%Y%m%dT%H%M%SZ").to_string();
        headers.push(("x-amz-content-sha256", content_sha256.to_owned()));
        headers.push(("x-amz-date", instant.clone()));
        // With the port, unless it is the scheme's own: just as it goes into the Host header.
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let mut signed: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        signed.push(("host", host));
        signed.sort_unstable();
        let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let mut canonical = format!("{method}\n{}\n\n", url.path());
        for (name, value) in &signed {
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = writeln!(canonical, "{name}:{value}");
        }
        let _ = write!(canonical, "\n{names}\n{content_sha256}");

        let date = at.format("%Y%m%d").to_string();
        let scope = format!("{date}/{}/s3/aws4_request", self.region);
        let to_sign = format!("AWS4-HMAC-SHA256\n{instant}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
        let key = format!("AWS4{}", self.secret).into_bytes();
        let key = [date.as_str(), self.region, "s3", "aws4_request"]
            .iter()
            .fold(key, |key, part| hmac_sha256(&key, &[part.as_bytes()]).to_vec());
        let signature = hex(&hmac_sha256(&key, &[to_sign.as_bytes()]));
        let credential = format!("{}/{scope}", self.access_key_id);
        let authorization = format!("AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},Signature={signature}");
        headers.push(("authorization", authorization));
        signature
    }
}

/// An object's name as it stands in the path: every byte escaped but letters, digits, `- _ . ~` and
/// the slashes.
pub(super) fn encoded_path(object: &str) -> String {
    object.bytes().fold(String::with_capacity(object.len()), |mut path, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => path.push(char::from(byte)),
            _ => {
                let _ = write!(path, "%{byte:02X}");
            }
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(method: &str, url: &str, mut headers: Vec<(&'static str, String)>, content: &[u8]) -> String {
        let signer = Signer {
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
        };
        let at = "2013-05-24T00:00:00Z".parse().unwrap();
        signer.sign(method, &url.parse().unwrap(), &mut headers, &sha256_hex(content), at);
        headers.pop().unwrap().1
    }

    #[test]
    fn the_examples_in_the_documentation_of_aws() {
        let url = format!("https://examplebucket.s3.amazonaws.com/{}", encoded_path("test$file.text"));
        let headers =
            vec![("date", "Fri, 24 May 2013 00:00:00 GMT".to_owned()), ("x-amz-storage-class", "REDUCED_REDUNDANCY".to_owned())];
        assert_eq!(
            signature("PUT", &url, headers, b"Welcome to Amazon S3."),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,\
             Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        let read =
            signature("GET", "https://examplebucket.s3.amazonaws.com/test.txt", vec![("range", "bytes=0-9".to_owned())], b"");
        assert!(read.ends_with("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"), "{read}");
    }

    #[test]
    fn the_port_is_signed_unless_it_is_the_schemes_own() {
        let sign = |url| signature("HEAD", url, Vec::new(), b"");
        assert_eq!(sign("https://s3.example/a"), sign("https://s3.example:443/a"));
        assert_ne!(sign("https://s3.example/a"), sign("https://s3.example:8443/a"));
    }
}
