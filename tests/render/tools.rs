//! Other people's programs that read a PDF.

use std::process::Command;

/// What a program says about a file. Missing programs fail the test: a PDF that nobody read back is not tested.
fn run(program: &str, package: &str, before: &[&str], pdf: &[u8], after: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("invoice.pdf");
    std::fs::write(&path, pdf).unwrap();
    let output = Command::new(program).args(before).arg(&path).args(after).output();
    let output = output.unwrap_or_else(|e| panic!("{program} does not run ({e}): install Debian's package {package}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// The text in the order in which it was written, pages ended by form feeds.
pub fn text(pdf: &[u8]) -> String {
    run("pdftotext", "poppler-utils", &["-raw"], pdf, &["-"])
}

/// The text as it lies on the page: one line across all columns.
pub fn rows(pdf: &[u8]) -> Vec<String> {
    let text = run("pdftotext", "poppler-utils", &["-layout"], pdf, &["-"]);
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|line| !line.is_empty()).collect()
}

pub fn pages(pdf: &[u8]) -> Vec<String> {
    let text = text(pdf);
    text.trim_end_matches('\u{c}').split('\u{c}').map(str::to_owned).collect()
}

pub fn fonts(pdf: &[u8]) -> Vec<String> {
    run("pdffonts", "poppler-utils", &[], pdf, &[]).lines().skip(2).map(str::to_owned).collect()
}

pub fn info(pdf: &[u8]) -> String {
    run("pdfinfo", "poppler-utils", &["-isodates"], pdf, &[])
}

/// Fails unless the file's structure and streams are sound.
pub fn check(pdf: &[u8]) {
    run("qpdf", "qpdf", &["--check"], pdf, &[]);
}
