//! A seller's logo: PNG or JPEG, checked once, encoded once, shared by all its invoices.

use super::flow::{Item, LEFT, Page, TOP};
use super::fonts::Fonts;
use super::pdf;
use super::text::Length;
use crate::model::Invalid;
use krilla::image::Image;

/// Largest file, in bytes. A JPEG stands in every invoice as it is.
const MAX_BYTES: usize = 1_000_000;
/// Largest width times height: 16 cm by 6 cm at 600 dots an inch and more.
const MAX_PIXELS: u64 = 6_000_000;
/// The room that a logo has on the page; it fills the one or the other.
const MAX_WIDTH: Length = 165_000;
const MAX_HEIGHT: Length = 48_000;

/// A picture that is known to be printable. Cheap to clone, and `Sync`.
#[derive(Clone)]
pub struct Logo {
    image: Image,
    pixels: (u32, u32),
}

impl Logo {
    /// Reads the bytes of a PNG or JPEG file (told by the content, not by a name) and tries it in a
    /// PDF, so that an invoice cannot fail for it later. At most 1 MB and 6 million pixels; no
    /// CMYK, which PDF/A allows only with a colour profile.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Invalid> {
        if bytes.len() > MAX_BYTES {
            return Err(Invalid::new(format!("the logo has {} bytes, and {MAX_BYTES} are allowed", bytes.len())));
        }
        let unreadable = |kind: &str, why: String| Invalid::new(format!("the logo is a broken {kind} file: {why}"));
        let image = if let Some(header) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") {
            // Looked at before decoding: a small file can unfold to gigabytes.
            check_pixels(png_pixels(header).ok_or_else(|| unreadable("PNG", "it has no header".to_owned()))?)?;
            Image::from_png(bytes.into(), false).map_err(|why| unreadable("PNG", why))?
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Image::from_jpeg(bytes.into(), false).map_err(|why| unreadable("JPEG", why))?
        } else {
            return Err(Invalid::new("the logo is neither a PNG nor a JPEG file"));
        };
        check_pixels(image.size())?;
        let logo = Self { pixels: image.size(), image };
        logo.try_out()?;
        Ok(logo)
    }

    /// Its extent on the page, in the proportions of the picture.
    pub(super) fn extent(&self) -> (Length, Length) {
        let (wide, high) = (i64::from(self.pixels.0), i64::from(self.pixels.1));
        let to_length = |n: i64| Length::try_from(n).unwrap_or(Length::MAX).max(1);
        let at_full_height = i64::from(MAX_HEIGHT) * wide / high;
        if at_full_height <= i64::from(MAX_WIDTH) {
            (to_length(at_full_height), MAX_HEIGHT)
        } else {
            (MAX_WIDTH, to_length(i64::from(MAX_WIDTH) * high / wide))
        }
    }

    pub(super) fn image(&self) -> Image {
        self.image.clone()
    }

    fn try_out(&self) -> Result<(), Invalid> {
        let (width, height) = self.extent();
        let page: Page = vec![Item::Logo { x: LEFT, y: TOP, width, height }];
        let unprintable = |why: String| Invalid::new(format!("the logo cannot be printed (PNG or RGB JPEG is asked for): {why}"));
        let fonts = Fonts::builtin()?;
        pdf::write(&[page], &pdf::About::trial(), Some(self), &fonts).map_err(|e| unprintable(e.to_string()))?;
        Ok(())
    }
}

fn check_pixels((wide, high): (u32, u32)) -> Result<(), Invalid> {
    if wide == 0 || high == 0 {
        return Err(Invalid::new("the logo has no pixels"));
    }
    if u64::from(wide) * u64::from(high) > MAX_PIXELS {
        return Err(Invalid::new(format!("the logo is {wide} × {high} pixels, and {MAX_PIXELS} in all are allowed")));
    }
    Ok(())
}

/// Width and height from the IHDR chunk, which comes first (PNG specification, 5.6).
fn png_pixels(after_signature: &[u8]) -> Option<(u32, u32)> {
    let chunk = after_signature.get(4..16)?.strip_prefix(b"IHDR")?;
    let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_be_bytes);
    Some((number(&chunk[..4])?, number(&chunk[4..8])?))
}
