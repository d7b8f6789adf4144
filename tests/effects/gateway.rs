//! A payment gateway as a job would use it: acts that must not be done twice, one at a time, with a
//! look-up by key. It stands for the charges to come.

use crate::support::{Fake, TestDb, now};
use chrono::{DateTime, TimeDelta, Utc};
use finops::cli::Globals;
use finops::config::Environment;
use finops::context::{Context, Shell};
use finops::engine::job::{Decided, Job, Plan, RunOptions};
use finops::engine::outbox::{Calls, Deliver, Found, Outcome, Policy};
use finops::engine::run;
use finops::engine::summary::Summary;
use finops::error::{Error, Result};
use finops::model::{CompanyId, EffectKind, EffectState, Failure, FailureClass, Money, Receipt, WorkClass};
use finops::providers::http::{Answer, Http, Reach, Request, Words};
use finops::rules::retry::Repeat;
use finops::store::audit::Entry;
use finops::store::effects::{self, Effect, NewEffect};
use finops::store::{Db, Tx, schema};
use finops::ui::{Ui, UiOptions};
use std::time::Duration;
use ureq::http::Method;
use url::Url;

/// Any kind will do: the engine asks only the deliverer what it is like.
pub const KIND: EffectKind = EffectKind::CompletionNotice;

/// The longest that the gateway is waited for.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// In a charge's payload: the first run breaks once its call was made.
pub const BREAKS: &str = "breaks";

pub struct Gateway {
    url: String,
    http: Http,
    at: DateTime<Utc>,
}

impl Gateway {
    pub fn new(url: &str, at: DateTime<Utc>) -> Self {
        Self { url: url.to_owned(), http: Http::new(Reach::Private, PATIENCE), at }
    }

    fn call(&self, method: Method, path: &str, key: &str, body: &str) -> std::result::Result<Answer, Failure> {
        let url = Url::parse(&format!("{}{path}", self.url)).unwrap();
        let headers = vec![("idempotency-key", key.to_owned())];
        self.http.send(&Request { method, url: &url, headers, body: body.as_bytes() })
    }

    fn charge(&self, effect: &Effect) -> Outcome {
        let answer = self.call(Method::POST, "/charges", &effect.key, &effect.payload)?;
        match answer.status {
            200 => Ok(receipt(effect)),
            402 => Err(answer.failure_of(FailureClass::SoftDecline, &Words::default(), self.at)),
            _ => Err(answer.failure(&Words::default(), self.at)),
        }
    }
}

fn receipt(effect: &Effect) -> Receipt {
    Receipt { provider_ref: format!("fake_{}", effect.key), sha256: String::new(), bytes: 0 }
}

impl Deliver for Gateway {
    fn kind(&self) -> EffectKind {
        KIND
    }

    fn provider(&self) -> &str {
        "gateway"
    }

    fn policy(&self) -> Policy {
        Policy { class: WorkClass::Payments, repeat: Repeat::LookUp, block: 1, calls: Calls::Together }
    }

    fn carry_out(&self, _db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        let outcomes = effects.iter().map(|effect| self.charge(effect)).collect();
        match effects.iter().any(|effect| effect.payload.contains(BREAKS) && effect.attempts == 1) {
            true => Err(Error::failed("something broke after the call")),
            false => Ok(outcomes),
        }
    }

    fn look_up(&self, _db: &mut Db, effect: &Effect) -> Result<std::result::Result<Found, Failure>> {
        let answer = match self.call(Method::GET, &format!("/charges/{}", effect.key), "", "") {
            Ok(answer) => answer,
            Err(failure) => return Ok(Err(failure)),
        };
        Ok(match answer.status {
            200 => Ok(Found::Done(receipt(effect))),
            402 | 404 => Ok(Found::NotDone),
            409 => Ok(Found::NotYet(TimeDelta::hours(1))),
            410 => Ok(Found::Undecidable("it has forgotten".to_owned())),
            _ => Err(answer.failure(&Words::default(), self.at)),
        })
    }
}

/// A job that only carries out.
struct Charging<'g>(&'g Gateway);

impl Job for Charging<'_> {
    type Key = CompanyId;
    type Plan = Nothing;

    fn name(&self) -> &'static str {
        "payments.charge"
    }

    fn verb(&self) -> &'static str {
        "charged"
    }

    fn due(&mut self, _tx: &mut Tx, _limit: u32) -> Result<Vec<CompanyId>> {
        Ok(Vec::new())
    }

    fn count(&self, _tx: &mut Tx) -> Result<u64> {
        Ok(0)
    }

    fn company(key: &CompanyId) -> &CompanyId {
        key
    }

    fn plan(&self, _tx: &mut Tx, _keys: &[CompanyId]) -> Result<Decided<Nothing>> {
        Ok(Decided::default())
    }

    fn record(&self, _tx: &mut Tx, _plans: &mut [Nothing]) -> Result<Vec<Entry>> {
        Ok(Vec::new())
    }

    fn deliverers(&self) -> Vec<&dyn Deliver> {
        vec![self.0]
    }
}

enum Nothing {}

impl Plan for Nothing {
    fn amount(&self) -> Option<Money> {
        match *self {}
    }

    fn settles(&self) -> Vec<(CompanyId, String)> {
        match *self {}
    }

    fn item(&self) -> serde_json::Value {
        match *self {}
    }

    fn text(&self) -> String {
        match *self {}
    }
}

/// One run, at an instant.
pub fn charge(url: &str, gateway: &str, at: DateTime<Utc>) -> (Summary, Result<()>) {
    let environment = Environment::of([("FINOPS_TEST_CLOCK", at.to_rfc3339().as_str())]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("finops.toml");
    std::fs::write(&config, format!("[database]\nurl = \"{url}\"\n")).unwrap();
    let globals = Globals { config: Some(config), ..Globals::default() };
    let shell = Shell { globals, environment, ui: Ui::new(UiOptions { quiet: true, ..UiOptions::default() }) };
    let ctx = Context::new(&shell).unwrap();
    let mut db = ctx.open_db().unwrap();
    run::run(&mut Charging(&Gateway::new(gateway, at)), &ctx, &mut db, &RunOptions::default())
}

/// A database with charges that are planned, a gateway, and a clock.
pub struct Desk<'d> {
    pub db: &'d TestDb,
    pub gateway: Fake,
    pub at: DateTime<Utc>,
}

impl<'d> Desk<'d> {
    /// With so many charges planned: `charge-00`, `charge-01` …
    pub fn new(db: &'d TestDb, charges: usize) -> Self {
        schema::migrate(&mut db.open(), now()).unwrap();
        let planned: Vec<NewEffect> = (0..charges).map(|n| new(&format!("charge-{n:02}"), "1000 EUR")).collect();
        db.open().write(|tx| effects::plan(tx, KIND, &planned, now())).unwrap();
        Self { db, gateway: Fake::start(), at: now() }
    }

    /// A run so much later than the one before.
    pub fn run(&mut self, later: TimeDelta) -> (Summary, Result<()>) {
        self.at += later;
        charge(&self.db.url(), &self.gateway.url(), self.at)
    }

    /// The same, which must end well.
    pub fn done(&mut self, later: TimeDelta) -> Summary {
        let (summary, result) = self.run(later);
        result.unwrap();
        summary
    }

    pub fn effect(&self, key: &str) -> Effect {
        let found = self.db.open().read(|tx| effects::find(tx, &company(), key));
        found.unwrap().unwrap()
    }

    /// Where the first charge stands, and how often it was begun.
    pub fn stands(&self) -> (EffectState, u32) {
        let effect = self.effect("charge-00");
        (effect.state, effect.attempts)
    }

    /// Requests to charge, and charges that were made, of all keys.
    pub fn charges(&self) -> (usize, usize) {
        let posts = self.gateway.calls().iter().filter(|call| call.method == "POST").count();
        (posts, self.gateway.acts().values().sum())
    }
}

pub fn new(key: &str, payload: &str) -> NewEffect {
    NewEffect {
        company_id: company(),
        key: key.to_owned(),
        subject: key.to_owned(),
        content_sha256: payload.to_owned(),
        payload: payload.to_owned(),
        recipient: String::new(),
        not_before: None,
    }
}

pub fn company() -> CompanyId {
    "weber".parse().unwrap()
}

/// The error that ended a run, with its exit code.
pub fn code(result: Result<(), Error>) -> u8 {
    result.unwrap_err().kind.exit_code() as u8
}
