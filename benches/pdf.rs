//! What an invoice costs: `cargo bench --bench pdf`.
//!
//! CPU time from /proc/self/stat (Linux, ticks of 10 ms, all threads). The yardstick, in the same
//! run, is SHA-256 over 1 MiB by the `sha2` crate: it says how fast the machine is.

#![allow(clippy::unwrap_used, reason = "a bench program stops at the first error")]

#[path = "../tests/render/sample.rs"]
#[allow(dead_code)]
mod sample;

use finops::render::{Fonts, invoice_pdf};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::time::Instant;

const ROUNDS: u32 = 1_000;

fn main() {
    let fonts = Fonts::builtin().unwrap();
    let doc = sample::invoice(12);
    let bytes = invoice_pdf(&doc, None, &fonts).unwrap().len();
    let one = || assert_eq!(invoice_pdf(&doc, None, &fonts).unwrap().len(), bytes);
    one();

    let mebibyte = vec![7u8; 1 << 20];
    let yardstick = cpu_ms(|| {
        (0..ROUNDS).for_each(|_| {
            std::hint::black_box(Sha256::digest(&mebibyte));
        })
    });
    let single = cpu_ms(|| (0..ROUNDS).for_each(|_| one()));
    let clock = Instant::now();
    let all = cpu_ms(|| (0..4 * ROUNDS).into_par_iter().for_each(|_| one())) / 4;
    let wall = clock.elapsed();
    let long = sample::invoice(200);
    let pages = cpu_ms(|| (0..100).for_each(|_| drop(std::hint::black_box(invoice_pdf(&long, None, &fonts).unwrap()))));

    let micros = |ms: u128| ms * 1000 / u128::from(ROUNDS);
    let mut out = std::io::stdout().lock();
    writeln!(out, "one page, 12 lines: {bytes} bytes").unwrap();
    writeln!(out, "one thread: {} µs CPU an invoice", micros(single)).unwrap();
    writeln!(
        out,
        "{} threads: {} µs CPU an invoice, {} invoices a second",
        rayon::current_num_threads(),
        micros(all),
        u128::from(4 * ROUNDS) * 1000 / wall.as_millis().max(1)
    )
    .unwrap();
    writeln!(out, "200 lines: {} µs CPU an invoice", pages * 10).unwrap();
    writeln!(
        out,
        "yardstick (SHA-256 of 1 MiB): {} µs; an invoice is {} % of it",
        micros(yardstick),
        single * 100 / yardstick.max(1)
    )
    .unwrap();
}

/// CPU time of the process (user and system) while `work` runs.
fn cpu_ms(work: impl FnOnce()) -> u128 {
    let spent = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        // Fields 14 and 15 of proc(5), in ticks of 1/100 s.
        (fields[11].parse::<u128>().unwrap() + fields[12].parse::<u128>().unwrap()) * 10
    };
    let before = spent();
    work();
    spent() - before
}
