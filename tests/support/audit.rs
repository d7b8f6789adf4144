//! The audit chain as its documentation describes it, computed without the code under test.

use super::TestDb;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Checks every chain link by link, its payloads and its head; returns the rows per company.
pub fn verify(db: &TestDb) -> BTreeMap<String, u64> {
    let mut heads: BTreeMap<String, (u64, Vec<u8>)> = BTreeMap::new();
    let sql = "SELECT l.company_id, l.seq, l.at, l.actor, l.action, l.entity, l.entity_id, l.payload_sha256, l.hash, p.payload
      FROM audit_log l JOIN audit_payloads p ON p.company_id = l.company_id AND p.seq = l.seq ORDER BY l.company_id, l.seq";
    for row in db.rows(sql) {
        let (seq, before) = heads.get(&row[0]).cloned().unwrap_or((0, vec![0; 32]));
        assert_eq!(row[1], (seq + 1).to_string(), "no gap in the chain of {}", row[0]);
        let payload = Sha256::digest(row[9].as_bytes());
        assert_eq!(bytes(&row[7]), payload.as_slice(), "the payload of {} {}", row[0], row[1]);
        let mut hasher = Sha256::new();
        hasher.update(&before);
        let number = (seq + 1).to_be_bytes();
        let texts = [&row[2], &row[3], &row[4], &row[5], &row[6]].map(|t| t.as_bytes());
        let [at, actor, action, entity, entity_id] = texts;
        for field in [&number, at, actor, action, entity, entity_id, payload.as_slice()] {
            hasher.update(u32::try_from(field.len()).expect("short").to_be_bytes());
            hasher.update(field);
        }
        let hash = hasher.finalize().to_vec();
        assert_eq!(bytes(&row[8]), hash, "the hash of {} {}", row[0], row[1]);
        heads.insert(row[0].clone(), (seq + 1, hash));
    }
    let stored = db.rows("SELECT company_id, seq, hash FROM audit_heads ORDER BY company_id");
    let stored: BTreeMap<String, (u64, Vec<u8>)> =
        stored.into_iter().map(|r| (r[0].clone(), (r[1].parse().expect("a number"), bytes(&r[2])))).collect();
    assert_eq!(heads, stored, "each head follows its chain");
    assert_eq!(db.value("SELECT COUNT(*) FROM audit_log"), db.value("SELECT COUNT(*) FROM audit_payloads"));
    heads.into_iter().map(|(company, (seq, _))| (company, seq)).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    let hex = text.strip_prefix("\\x").expect("bytes");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}
