//! Check digits of VAT numbers, where the authorities published the rule.
//!
//! Sources: European Commission, "VIES-VAT Validation Routines" (2009), and for what changed since:
//! Belastingdienst (NL, 2020: modulo 97 over the whole id), HMRC (GB: 97 and 97 − 55), Swiss Federal
//! Statistical Office (UID: modulo 11), Brønnøysund register centre (modulo 11).

/// Whether the digits hold, of an id that has the country's form. True where no rule is published.
pub fn hold(prefix: &str, id: &str) -> bool {
    let d: Vec<u32> = id.chars().filter_map(|c| c.to_digit(10)).collect();
    match prefix {
        "AT" => (10 - (luhn_sum(&d[..7], 1) + 4) % 10) % 10 == d[7],
        "BE" => 97 - number(&d[..8]) % 97 == number(&d[8..]),
        "CHE" => eleven(&d, &[5, 4, 3, 2, 7, 6, 5, 4]),
        "CY" => cyprus(&d) == id.chars().last(),
        "CZ" if d.len() == 8 => (11 - sum(&d, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == d[7],
        "DE" | "HR" => mod_11_10(&d),
        "DK" => sum(&d, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11),
        "EE" => (10 - sum(&d, &[3, 7, 1, 3, 7, 1, 3, 7]) % 10) % 10 == d[8],
        "EL" => sum(&d, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == d[8],
        "ES" => spain(id),
        "FI" => eleven(&d, &[7, 9, 10, 5, 8, 4, 2]),
        "FR" => d.len() < 11 || number(&d[..2]) == (12 + 3 * (number(&d[2..]) % 97)) % 97,
        "GB" | "XI" => d.len() < 9 || united_kingdom(&d),
        "HU" => (10 - sum(&d, &[9, 7, 3, 1, 9, 7, 3]) % 10) % 10 == d[7],
        "IE" => ireland(id),
        "IT" => d.len() < 11 || luhn_sum(&d, 1).is_multiple_of(10),
        "LT" => lithuania(&d),
        "LU" => number(&d[..6]) % 89 == number(&d[6..]),
        // A person's number begins with a day, from 0 to 3.
        "LV" => d[0] <= 3 || sum(&d, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3,
        "MT" => sum(&d, &[3, 4, 6, 7, 8, 9, 10, 1]).is_multiple_of(37),
        "NL" => sum(&d, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == d[8] || mod_97(&format!("NL{id}")) == 1,
        "NO" => eleven(&d, &[3, 2, 7, 6, 5, 4, 3, 2]),
        "PL" => sum(&d, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == d[9],
        "PT" => {
            let rest = sum(&d, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            (if rest < 2 { 0 } else { 11 - rest }) == d[8]
        }
        "RO" => romania(&d),
        "SE" => luhn_sum(&d[..10], 0).is_multiple_of(10) && number(&d[10..]) > 0,
        "SI" => {
            let rest = sum(&d, &[8, 7, 6, 5, 4, 3, 2]) % 11;
            rest != 0 && (11 - rest) % 10 == d[7]
        }
        "SK" => number(&d).is_multiple_of(11),
        _ => true,
    }
}

/// The weighted sum of the first digits.
fn sum(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
}

/// The last digit is 11 − rest; no id has a rest of 1.
fn eleven(digits: &[u32], weights: &[u32]) -> bool {
    let rest = sum(digits, weights) % 11;
    let check = if rest == 0 { 0 } else { 11 - rest };
    digits.get(weights.len()) == Some(&check)
}

/// Digits doubled from the place `from` on, every second one; the digits of the products are added.
fn luhn_sum(digits: &[u32], from: usize) -> u32 {
    let doubled = |(place, digit): (usize, &u32)| if place % 2 == from { digit * 2 / 10 + digit * 2 % 10 } else { *digit };
    digits.iter().enumerate().map(doubled).sum()
}

/// ISO 7064, mod 11,10.
fn mod_11_10(digits: &[u32]) -> bool {
    let Some((check, rest)) = digits.split_last() else { return false };
    let product = rest.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        2 * if sum == 0 { 10 } else { sum } % 11
    });
    (11 - product) % 10 == *check
}

/// Letters count as 10 to 35 (ISO 7064, mod 97-10).
fn mod_97(text: &str) -> u64 {
    text.chars().filter_map(|c| c.to_digit(36)).fold(0, |rest, value| {
        let value = u64::from(value);
        (if value < 10 { rest * 10 + value } else { rest * 100 + value }) % 97
    })
}

fn cyprus(digits: &[u32]) -> Option<char> {
    const ODD: [u32; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let value = |(place, digit): (usize, &u32)| if place % 2 == 0 { ODD[*digit as usize % 10] } else { *digit };
    let rest = digits.iter().enumerate().map(value).sum::<u32>() % 26;
    char::from_u32(u32::from('A') + rest)
}

/// A DNI or NIE ends with a letter by modulo 23, a company's with a digit or its letter.
fn spain(id: &str) -> bool {
    const PERSON: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    const COMPANY: &[u8; 10] = b"JABCDEFGHI";
    let (Some(first), Some(last)) = (id.chars().next(), id.chars().last()) else { return false };
    let digits: Vec<u32> = id.chars().skip(1).take(7).filter_map(|c| c.to_digit(10)).collect();
    let leading = match first {
        '0'..='9' => first.to_digit(10),
        'X' | 'K' | 'L' | 'M' => Some(0),
        'Y' => Some(1),
        'Z' => Some(2),
        _ => None,
    };
    if let Some(leading) = leading {
        let number = u64::from(leading) * 10_000_000 + number(&digits);
        return PERSON.get((number % 23) as usize).copied().map(char::from) == Some(last);
    }
    let check = (10 - luhn_sum(&digits, 0) % 10) % 10;
    last.to_digit(10) == Some(check) || COMPANY.get(check as usize).copied().map(char::from) == Some(last)
}

fn united_kingdom(digits: &[u32]) -> bool {
    let rest = (u64::from(sum(digits, &[8, 7, 6, 5, 4, 3, 2])) + number(&digits[7..9])) % 97;
    rest == 0 || rest == 97 - 55
}

/// Seven digits and a letter by modulo 23; a second letter counts nine times its place. The old form has
/// its first digit where the last is, and a letter or sign in the second place.
fn ireland(id: &str) -> bool {
    const LETTERS: &[u8; 23] = b"WABCDEFGHIJKLMNOPQRSTUV";
    let chars: Vec<char> = id.chars().collect();
    let old = !chars[1].is_ascii_digit();
    let of = |c: &char| c.to_digit(10).unwrap_or(0);
    let digits: Vec<u32> = if old {
        std::iter::once(0).chain(chars[2..7].iter().map(of)).chain([of(&chars[0])]).collect()
    } else {
        chars[..7].iter().map(of).collect()
    };
    let second = chars.get(8).map_or(0, |c| u32::from(*c) - u32::from('A') + 1);
    let rest = (sum(&digits, &[8, 7, 6, 5, 4, 3, 2]) + 9 * (second % 23)) % 23;
    char::from(LETTERS[rest as usize]) == chars[7]
}

fn lithuania(digits: &[u32]) -> bool {
    let Some((check, rest)) = digits.split_last() else { return false };
    let weighted = |from: u32| rest.iter().zip(from..).map(|(digit, n)| digit * ((n - 1) % 9 + 1)).sum::<u32>() % 11;
    let first = weighted(1);
    let by_rule = if first == 10 { weighted(3) % 10 } else { first };
    by_rule == *check
}

fn romania(digits: &[u32]) -> bool {
    let Some((check, rest)) = digits.split_last() else { return false };
    let sum: u32 = rest.iter().rev().zip([2, 3, 5, 7, 1, 2, 3, 5, 7]).map(|(digit, weight)| digit * weight).sum();
    sum * 10 % 11 % 10 == *check
}
