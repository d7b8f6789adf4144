//! The fake provider keeps its word.

use crate::support::Fake;
use crate::support::fake::{Cut, Step};
use std::time::Duration;

/// The status, or the error's text.
fn post(fake: &Fake, key: &str, body: &str) -> Result<u16, String> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_millis(500)));
    let request = ureq::Agent::from(config.build()).post(format!("{}/charges", fake.url())).header("Idempotency-Key", key);
    request.send(body).map(|response| response.status().as_u16()).map_err(|error| error.to_string())
}

fn look_up(fake: &Fake, key: &str) -> u16 {
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    ureq::Agent::from(config).get(format!("{}/charges/{key}", fake.url())).call().unwrap().status().as_u16()
}

#[test]
fn it_acts_once_per_key_and_by_its_script() {
    let fake = Fake::start();
    let steps = [
        Step::done(),
        Step::done(),
        Step::done(),
        Step::status(503).header("Retry-After", "7"),
        Step::done().cut(Cut::AfterRecording),
        Step::done().cut(Cut::BeforeReading),
        Step::status(402),
        Step::done().after(Duration::from_secs(2)),
    ];
    fake.script(&steps);
    assert_eq!(post(&fake, "a", "1"), Ok(200));
    assert_eq!(post(&fake, "a", "1"), Ok(200), "the same again");
    assert_eq!(post(&fake, "a", "2"), Ok(400), "other content");
    assert_eq!(post(&fake, "b", "1"), Ok(503));
    assert!(post(&fake, "b", "1").is_err(), "it is done, and the answer is lost");
    assert_eq!(look_up(&fake, "b"), 200);
    assert!(post(&fake, "c", "1").is_err(), "it is not even read");
    assert_eq!(look_up(&fake, "c"), 404);
    assert_eq!(post(&fake, "d", "1"), Ok(402));
    assert_eq!(post(&fake, "d", "1"), Err("timeout: global".to_owned()));
    assert_eq!(post(&fake, "b", "1"), Ok(200), "beyond the script");
    assert_eq!(fake.acts(), [("a".to_owned(), 1), ("b".to_owned(), 1)].into());
    let statuses: Vec<(String, u16, bool)> = fake.calls().into_iter().map(|c| (c.method, c.status, c.replayed)).collect();
    let post = |status, replayed| ("POST".to_owned(), status, replayed);
    let get = |status| ("GET".to_owned(), status, false);
    let expected = [
        post(200, false),
        post(200, true),
        post(400, true),
        post(503, false),
        post(200, false),
        get(200),
        get(404),
        post(402, false),
        post(402, true),
        post(200, true),
    ];
    assert_eq!(statuses, expected);
}
