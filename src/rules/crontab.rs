//! A schedule as cron and as systemd write it: a marked block among a user's own crontab lines, and
//! calendar expressions (systemd.time(7)) in place of cron's five fields (crontab(5)).

use crate::model::Invalid;

/// The block of one configuration within a user's crontab. Lines outside it are never touched.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// What tells it from other blocks: the path of the configuration.
    pub name: &'a str,
}

impl Block<'_> {
    fn begin(&self) -> String {
        format!("# BEGIN finops {} (written by finops schedule install; changes within are lost)", self.name)
    }

    fn end(&self) -> String {
        format!("# END finops {}", self.name)
    }

    /// The block as it stands in a crontab, with its newline.
    pub fn text(&self, lines: &str) -> String {
        format!("{}\n{lines}{}\n", self.begin(), self.end())
    }

    /// The crontab with these lines in the block, where it stands or at the end.
    ///
    /// # Errors
    /// The marks of the block do not pair: what lies between them may be the user's own.
    pub fn put(&self, crontab: &[u8], lines: &str) -> Result<Vec<u8>, Invalid> {
        let (mut before, after) = match self.find(crontab)? {
            Some((start, end)) => (crontab[..start].to_vec(), &crontab[end..]),
            None => (crontab.to_vec(), &[][..]),
        };
        if before.last().is_some_and(|last| *last != b'\n') {
            before.push(b'\n');
        }
        before.extend_from_slice(self.text(lines).as_bytes());
        before.extend_from_slice(after);
        Ok(before)
    }

    /// The crontab without the block.
    ///
    /// # Errors
    /// As [`Block::put`].
    pub fn remove(&self, crontab: &[u8]) -> Result<Vec<u8>, Invalid> {
        Ok(match self.find(crontab)? {
            Some((start, end)) => [&crontab[..start], &crontab[end..]].concat(),
            None => crontab.to_vec(),
        })
    }

    /// From the first byte of the block to the one after it.
    fn find(&self, crontab: &[u8]) -> Result<Option<(usize, usize)>, Invalid> {
        let (begin, end) = (self.begin(), self.end());
        let (mut begins, mut ends, mut at) = (Vec::new(), Vec::new(), 0);
        for line in crontab.split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if text == begin.as_bytes() {
                begins.push(at);
            }
            at += line.len();
            if text == end.as_bytes() {
                ends.push(at);
            }
        }
        match (begins.as_slice(), ends.as_slice()) {
            ([], []) => Ok(None),
            ([start], [end]) if start < end => Ok(Some((*start, *end))),
            _ => Err(Invalid::new(format!("its marks do not pair: one {begin:?} and one {end:?} after it are expected"))),
        }
    }
}

/// A word as `sh` and cron read it: quoted where it needs to be, `%` escaped, which cron reads as a newline.
pub fn cron_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    let quoted =
        if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) };
    quoted.replace('%', "\\%")
}

/// A word of `ExecStart=` (systemd.service(5), "Command lines"): no specifier, no variable.
pub fn systemd_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}

/// When cron's five fields fall due, as `OnCalendar=` lines: one, or two where days of the month and
/// of the week are both given, since cron takes either and systemd would want both.
///
/// # Errors
/// What is not among the five fields: names, `@daily`, a step from one number.
pub fn on_calendar(cron: &str) -> Result<Vec<String>, Invalid> {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else {
        return Err(Invalid::new(format!("{cron:?} has not the five fields of cron")));
    };
    let time = format!("{}:{}:00", numbers(hour, 0, 23)?, numbers(minute, 0, 59)?);
    let (days, months) = (numbers(day, 1, 31)?, numbers(month, 1, 12)?);
    let on_days = format!("*-{months}-{days} {time}");
    if weekday == "*" {
        return Ok(vec![on_days]);
    }
    let on_weekdays = format!("{} *-{months}-* {time}", weekdays(weekday)?);
    Ok(if day == "*" { vec![on_weekdays] } else { vec![on_days, on_weekdays] })
}

/// A field of numbers: `*`, `7`, `1-5`, `*/20`, `6-59/20`, or a list of those.
fn numbers(field: &str, first: u8, last: u8) -> Result<String, Invalid> {
    let parts = field.split(',').map(|part| {
        let wrong = || Invalid::new(format!("{part:?} is no number from {first} to {last}, no range and no step of one"));
        let number = |text: &str| {
            text.parse::<u8>().ok().filter(|n| (first..=last).contains(n)).map(|n| format!("{n:02}")).ok_or_else(wrong)
        };
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u8>().ok().filter(|n| *n > 0).ok_or_else(wrong)?)),
            None => (part, None),
        };
        let range = match (range, range.split_once('-'), step) {
            ("*", _, None) => "*".to_owned(),
            ("*", _, Some(_)) => format!("{first:02}..{last:02}"),
            (_, Some((from, to)), _) => format!("{}..{}", number(from)?, number(to)?),
            (_, None, None) => number(range)?,
            // Of one number, some crons step to the end, and others do not step.
            (_, None, Some(_)) => return Err(wrong()),
        };
        Ok(step.map_or(range.clone(), |step| format!("{range}/{step}")))
    });
    Ok(parts.collect::<Result<Vec<String>, Invalid>>()?.join(","))
}

fn weekdays(field: &str) -> Result<String, Invalid> {
    const NAMES: [&str; 8] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let day = |text: &str| {
        let index = text.parse::<usize>().ok().filter(|n| *n < NAMES.len());
        index.ok_or_else(|| Invalid::new(format!("{text:?} is no day of the week: write 0 (Sunday) to 7 (Sunday)")))
    };
    let mut days = Vec::new();
    for part in field.split(',') {
        match part.split_once('-') {
            Some((from, to)) => days.extend((day(from)?..=day(to)?).map(|index| NAMES[index])),
            None => days.push(NAMES[day(part)?]),
        }
    }
    Ok(days.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: Block = Block { name: "/etc/finops/finops.toml" };

    #[test]
    fn a_users_own_lines_stay_byte_for_byte() {
        let own: [&[u8]; 5] =
            [b"", b"MAILTO=me\n\n", b"# no newline at the end", b"\xff\xfe 1 2 * * * x\r\n", b"# BEGIN finops other\n"];
        for own in own {
            let once = BLOCK.put(own, "1 2 * * * a\n").unwrap();
            assert!(once.starts_with(own), "{own:?}");
            assert_eq!(BLOCK.put(&once, "1 2 * * * a\n").unwrap(), once, "again, it changes nothing");
            let after = [&once[..], b"3 4 * * * mine\n"].concat();
            let changed = BLOCK.put(&after, "5 6 * * * b\n").unwrap();
            assert!(changed.starts_with(own) && changed.ends_with(b"3 4 * * * mine\n"));
            assert!(!changed.windows(12).any(|w| w == b"1 2 * * * a\n") && changed.windows(12).any(|w| w == b"5 6 * * * b\n"));
            let removed = BLOCK.remove(&changed).unwrap();
            let newline: &[u8] = if own.is_empty() || own.ends_with(b"\n") { b"" } else { b"\n" };
            assert_eq!(removed, [own, newline, b"3 4 * * * mine\n"].concat());
            assert_eq!(BLOCK.remove(&removed).unwrap(), removed);
        }
    }

    #[test]
    fn marks_that_do_not_pair_are_refused() {
        let block = BLOCK.text("");
        let (begin, end) = block.split_once('\n').unwrap();
        for bad in [format!("{begin}\n"), end.to_owned(), format!("{end}{begin}\n"), format!("{block}{block}")] {
            assert!(BLOCK.put(bad.as_bytes(), "").is_err() && BLOCK.remove(bad.as_bytes()).is_err(), "{bad}");
        }
        let other = Block { name: "/home/b/finops.toml" };
        let both = other.put(block.as_bytes(), "1 2 * * * b\n").unwrap();
        assert_eq!(other.remove(&both).unwrap(), block.as_bytes(), "two configurations have a block each");
    }

    #[test]
    fn words_reach_the_program_as_they_are() {
        assert_eq!(cron_word("/usr/local/bin/finops"), "/usr/local/bin/finops");
        assert_eq!(cron_word("/home/O'Brien 100%/f.toml"), "'/home/O'\\''Brien 100\\%/f.toml'");
        assert_eq!(systemd_word("/a b/100%/$x\"\\"), "\"/a b/100%%/$$x\\\"\\\\\"");
    }

    #[test]
    fn fields_become_calendar_expressions() {
        for (cron, expected) in [
            ("13 4 * * *", &["*-*-* 04:13:00"][..]),
            ("6-59/20 * * * *", &["*-*-* *:06..59/20:00"]),
            ("*/20 * * * *", &["*-*-* *:00..59/20:00"]),
            ("39 8,14,20 * * *", &["*-*-* 08,14,20:39:00"]),
            ("49 10 * * 1-5", &["Mon,Tue,Wed,Thu,Fri *-*-* 10:49:00"]),
            ("51 23 * * 0", &["Sun *-*-* 23:51:00"]),
            ("56 5 1 * *", &["*-*-01 05:56:00"]),
            ("56 5 1 2 5-7", &["*-02-01 05:56:00", "Fri,Sat,Sun *-02-* 05:56:00"]),
        ] {
            assert_eq!(on_calendar(cron).unwrap(), expected, "{cron}");
        }
        for bad in [
            "",
            "@daily",
            "13 4 * *",
            "60 4 * * *",
            "1 24 * * *",
            "1 1 0 * *",
            "1 1 * jan *",
            "1 1 * * 8",
            "5/20 * * * *",
            "*/0 1 * * *",
        ] {
            assert!(on_calendar(bad).is_err(), "{bad}");
        }
    }
}
