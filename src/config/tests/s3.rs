//! Of `[s3]`.

use super::*;

fn with_s3(more: &str) -> String {
    format!("[documents.s3]\nbucket = \"books\"\naccess_key_id = \"AKIA\"\nsecret_access_key = \"canary\"\n{more}\n")
}

#[test]
fn a_bucket_needs_little_and_says_what_is_missing() {
    let s3 = parse(&with_s3("")).unwrap().documents.s3.unwrap();
    assert_eq!((s3.endpoint.as_str(), s3.path_style), ("https://s3.us-east-1.amazonaws.com/", false));
    let s3 = parse(&with_s3("endpoint = \"http://10.0.0.1:9000\"\nprefix = \"/a/b/\"")).unwrap().documents.s3.unwrap();
    assert_eq!((s3.path_style, s3.prefix.as_str()), (true, "a/b"));
    let sources =
        "; it may also be given by access_key_id_env, access_key_id_file, access_key_id_command or access_key_id_credential";
    assert_eq!(
        problems("[billing]\n[documents.s3]\n"),
        [
            "2:1 documents.s3.bucket is missing".to_owned(),
            format!("2:1 documents.s3.access_key_id is missing{sources}"),
            format!("2:1 documents.s3.secret_access_key is missing{}", sources.replace("access_key_id", "secret_access_key")),
        ]
    );
    assert_eq!(problems("[documents]\ns3 = \"books\"")[0], "2:6 documents.s3 must be a section [documents.s3], not a text");
}

#[test]
fn mistakes_in_a_bucket_are_told_with_their_place() {
    for (line, reason) in [
        ("bucket_name = \"b\"", "5:1 documents.s3.bucket_name unknown key; [documents.s3] knows"),
        ("endpoint = \"s3.example.com\"", "5:12 documents.s3.endpoint must be a URL"),
        ("endpoint = \"ftp://s3.example.com\"", "5:12 documents.s3.endpoint must begin with https://"),
        ("endpoint = \"https://joe:canary@s3.example.com\"", "5:12 documents.s3.endpoint must be a host"),
        ("endpoint = \"https://10.0.0.1\"\npath_style = false", "6:14 documents.s3.path_style must be true"),
        ("prefix = \"a/../b\"", "5:10 documents.s3.prefix must be of"),
        ("prefix = \"a//b\"", "5:10 documents.s3.prefix must be of"),
        ("region = \"eu central\"", "5:10 documents.s3.region must be of"),
        ("path_style = \"yes\"", "5:14 documents.s3.path_style must be true or false, not a text"),
        ("server_side_encryption = \"yes\"", "5:26 documents.s3.server_side_encryption must be one of AES256, aws:kms"),
        ("session_token = \"two words canary\"", "5:17 documents.s3.session_token must be in one piece"),
        ("session_token_env = \"NOT_SET\"", "5:21 documents.s3.session_token_env the environment variable NOT_SET"),
    ] {
        let found = problems(&with_s3(line));
        assert!(found.len() == 1 && found[0].starts_with(reason), "{line}: {found:#?}");
        assert!(!found[0].contains("canary"));
    }
    let dotted = with_s3("").replace("\"books\"", "\"books.example\"");
    assert!(problems(&dotted)[0].starts_with("1:1 documents.s3.path_style must be true"));
    for bucket in ["Books", "ab", "-books", "a/b", "b\u{fc}cher"] {
        assert!(problems(&with_s3("").replace("books", bucket))[0].starts_with("2:10 documents.s3.bucket must be"), "{bucket}");
    }
}
