//! S3's errors: the code in the XML says more than the status.

use crate::model::FailureClass;

/// `<Error><Code>…</Code><Message>…</Message>…</Error>`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    code: String,
    message: String,
}

impl ApiError {
    /// None when the body is none of S3's errors.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(body);
        let code = element(&text, "Code").filter(|code| {
            !code.is_empty() && code.len() <= 100 && code.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c))
        })?;
        Some(Self { code, message: element(&text, "Message").unwrap_or_default() })
    }

    /// The class, where the code knows it better than the status.
    pub(super) fn class(&self) -> Option<FailureClass> {
        Some(match self.code.as_str() {
            // Whatever is wrong in the configuration is wrong for every object.
            "AccessDenied"
            | "AccountProblem"
            | "AllAccessDisabled"
            | "AuthorizationHeaderMalformed"
            | "ExpiredToken"
            | "InvalidAccessKeyId"
            | "InvalidBucketName"
            | "InvalidSecurity"
            | "InvalidToken"
            | "NoSuchBucket"
            | "NotSignedUp"
            | "PermanentRedirect"
            | "SignatureDoesNotMatch"
            | "UnauthorizedAccess" => FailureClass::Denied,
            "RequestTimeTooSkewed" => FailureClass::Local,
            // Damaged on its way: the server stored nothing, and the next one may arrive whole.
            "BadDigest" | "IncompleteBody" | "XAmzContentSHA256Mismatch" => FailureClass::Broken,
            "RequestTimeout" => FailureClass::NoAnswer,
            "BandwidthLimitExceeded"
            | "RequestLimitExceeded"
            | "SlowDown"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequests" => FailureClass::Throttled,
            // 501: an option of the configuration that this server does not have.
            "NotImplemented" => FailureClass::Rejected,
            "ConditionalRequestConflict" | "OperationAborted" | "TemporaryRedirect" => FailureClass::Deferred,
            _ => return None,
        })
    }

    /// For people.
    pub(super) fn told(&self) -> String {
        let hint = match self.code.as_str() {
            "RequestTimeTooSkewed" => " (this machine's clock is wrong: set it, or run an NTP client)",
            "SignatureDoesNotMatch" => " (check secret_access_key and region)",
            "AuthorizationHeaderMalformed" => " (check region)",
            "PermanentRedirect" => " (check endpoint and region)",
            _ => "",
        };
        match self.message.trim() {
            "" => format!("{}{hint}", self.code),
            message => format!("{}: {message}{hint}", self.code),
        }
    }
}

/// The text of the first element of this name. S3's errors are flat and have no attributes, so this
/// is all the XML there is to read.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&#34;", "\""), ("&amp;", "&")];
    Some(entities.iter().fold(text.trim().to_owned(), |text, (entity, character)| text.replace(entity, character)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_code_and_the_message_are_read() {
        let read = ApiError::read(
            b"<?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>It&apos;s &lt;gone&gt; &amp;lt;</Message><BucketName>b</BucketName></Error>",
        );
        let read = read.unwrap();
        assert_eq!((read.told().as_str(), read.class()), ("NoSuchBucket: It's <gone> &lt;", Some(FailureClass::Denied)));
        for body in ["", "<html>", "<Error></Error>", "<Code></Code>", "<Code>a b</Code>", "<Code>x", "</Code><Code>"] {
            assert_eq!(ApiError::read(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn a_wrong_clock_is_told_as_such() {
        let read =
            ApiError::read(b"<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>");
        let read = read.unwrap();
        assert_eq!(read.class(), Some(FailureClass::Local));
        assert!(read.told().contains("clock"));
    }

    proptest! {
        #[test]
        fn no_body_is_too_strange(body: Vec<u8>, text in "(<Code>|</Code>|<Message>|</Message>|&amp;|&|[a-zA-Zé<>]{0,5}){0,12}") {
            for body in [&body, text.as_bytes()] {
                if let Some(error) = ApiError::read(body) {
                    prop_assert!(!error.code.is_empty());
                    error.class();
                    error.told();
                }
            }
        }
    }
}
