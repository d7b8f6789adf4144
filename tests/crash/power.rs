//! The power goes while mails are sent: on SQLite what says that a call is being made is not flushed, so
//! nobody can tell which mails of the block went.

use crate::business;
use crate::oracle::resent;
use crate::stage::Stage;
use crate::support::TestDb;
use finops::jobs::JobKind::{InvoicesGenerate, InvoicesIssue, InvoicesSend};

/// Mails that are begun together before one has succeeded.
const BLOCK: u32 = 10;

#[test]
fn each_mail_of_a_block_comes_after_a_power_cut_and_is_marked() {
    let mut stage = Stage::new(business::prepare(TestDb::sqlite()));
    stage.run(InvoicesGenerate);
    stage.run(InvoicesIssue);
    let at = stage.nth(InvoicesSend, ("effects.begun", 1));
    assert!(stage.killed_at(InvoicesSend, at));
    // The machine was started anew: its processes are of another boot.
    let other = "UPDATE runs SET process = 'another-boot/' || process, heartbeat_at = '2026-01-01T00:00:00.000Z'
      WHERE finished_at IS NULL";
    stage.db.execute(other).unwrap();
    stage.settle();
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM effects WHERE state <> 'succeeded'"), "0");
    let mails: usize = stage.db.value("SELECT COUNT(*) FROM effects WHERE kind = 'message.email'").parse().unwrap();
    assert_eq!((stage.mail.taken().len(), resent(&stage)), (mails, BLOCK), "nothing went before, and none is missing");
}
