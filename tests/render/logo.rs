//! Logos that are printed, and files that are refused before an invoice depends on them.

use crate::{sample, tools};
use finops::render::{Fonts, Logo, invoice_pdf};

static PNG: &[u8] = include_bytes!("files/logo.png");

/// A JPEG of 32 × 16 pixels of one colour: 1 component is grey, 3 are colour, 4 CMYK.
fn jpeg(components: u8) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    let mut segment = |marker: u8, body: &[u8]| {
        file.extend([0xff, marker, 0, u8::try_from(body.len() + 2).unwrap()]);
        file.extend(body);
    };
    segment(0xdb, &[&[0u8][..], &[4; 64]].concat());
    let parts: Vec<u8> = (1..=components).flat_map(|id| [id, 0x11, 0]).collect();
    segment(0xc0, &[&[8, 0, 16, 0, 32, components][..], &parts].concat());
    // Two DC codes, `0` (no change) and `10` (seven bits follow); one AC code, `0` (end of block).
    segment(0xc4, &[&[0x00, 1, 1][..], &[0; 14], &[0, 7]].concat());
    segment(0xc4, &[&[0x10, 1][..], &[0; 15], &[0]].concat());
    let parts: Vec<u8> = (1..=components).flat_map(|id| [id, 0]).collect();
    segment(0xda, &[&[components][..], &parts, &[0, 63, 0]].concat());
    // The first block of each component is set to a shade, the other seven repeat it.
    let shade = "1000110110".repeat(usize::from(components));
    let bits = format!("{shade}{}", "00".repeat(7 * usize::from(components)));
    let padded = format!("{bits}{}", "1".repeat((8 - bits.len() % 8) % 8));
    file.extend(padded.as_bytes().chunks(8).map(|b| u8::from_str_radix(std::str::from_utf8(b).unwrap(), 2).unwrap()));
    file.extend([0xff, 0xd9]);
    file
}

#[test]
fn png_and_jpeg_are_printed() {
    let fonts = Fonts::builtin().unwrap();
    for bytes in [PNG.to_vec(), jpeg(1), jpeg(3)] {
        let logo = Logo::parse(bytes).unwrap();
        let file = invoice_pdf(&sample::invoice(1), Some(&logo), &fonts).unwrap();
        tools::check(&file);
        let raw = String::from_utf8_lossy(&file);
        assert!(raw.contains("/Subtype/Image") || raw.contains("/Subtype /Image"));
        assert!(tools::text(&file).contains("Nordlicht Managed Services GmbH"), "the name stands beside the logo");
    }
}

#[test]
fn what_cannot_be_printed_is_refused() {
    let mut huge = PNG.to_vec();
    huge[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    for (bytes, why) in [
        (Vec::new(), "neither a PNG nor a JPEG"),
        (b"<svg/>".to_vec(), "neither a PNG nor a JPEG"),
        (PNG[..PNG.len() / 2].to_vec(), "cannot be printed"),
        (PNG[..12].to_vec(), "broken PNG"),
        (jpeg(3)[..20].to_vec(), "broken JPEG"),
        (jpeg(4), "RGB JPEG"),
        (huge, "65535 × 65535 pixels"),
        (vec![0; 1_000_001], "1000001 bytes"),
    ] {
        let told = Logo::parse(bytes).err().unwrap().to_string();
        assert!(told.contains(why), "{told:?} does not say {why:?}");
    }
}
