//! Of `[reminders]`.

use super::*;

#[test]
fn policies_of_reminders_take_after_the_default() {
    let text = "[reminders]\noverdue = [2]\nrepeat_every = 0\n[reminders.policies.gentle]\nescalation = [20]\nsms = [20]";
    let sms = "[sms]\naccount_sid = \"AC0123456789abcdef0123456789abcdef\"\nauth_token = \"canary\"\nfrom = \"+15005550006\"\n";
    assert_eq!(problems(text), ["6:7 reminders.policies.gentle.sms needs [sms], which says who carries text messages"]);
    let reminders = parse(&format!("{text}\n{sms}")).unwrap().reminders;
    assert_eq!(reminders.quiet.map(|quiet| quiet.to_string()), Some("20:00-08:00".to_owned()));
    assert_eq!(parse("[reminders]\nquiet = \"never\"").unwrap().reminders.quiet, None);
    assert_eq!(
        problems("[reminders]\nquiet = \"at night\""),
        ["2:9 reminders.quiet must be two times, such as 20:00-07:00, or never"]
    );
    let days = parse("[reminders]\nquiet_days = [\"sun\", \"12-25\", \"02-29\", \"2027-03-29\"]").unwrap().reminders.quiet_days;
    assert_eq!(days.iter().map(ToString::to_string).collect::<Vec<_>>(), ["sun", "12-25", "02-29", "2027-03-29"]);
    for wrong in ["2-9", "13-01", "2027-02-29", "02-30", "2027-3-29", "+2027-03-29", "Sunday"] {
        let found = problems(&format!("[reminders]\nquiet_days = [\"{wrong}\"]"));
        assert!(found[0].starts_with("2:15 reminders.quiet_days must be mon, tue, wed"), "{wrong}: {found:?}");
    }
    let policies = reminders.policies;
    let days = |policy: &crate::rules::dunning::Policy| policy.levels().iter().map(|l| l.days).collect::<Vec<_>>();
    assert_eq!(days(&policies.default), [-7, 2, 7, 14, 30]);
    assert_eq!(days(&policies.named["gentle"]), [-7, 2, 20]);
    assert_eq!(
        problems(
            "[reminders]\nupcoming = [3]\noverdue = [1, \"2\"]\nsms = [1.5]\nescalation = 7\nrepeat_until = 4000\nrepeat_ever = 1\n\
             [reminders.policies.none]\n[reminders.policies.a]\nescalation = [9, 8]\n[reminders.policies]\nb = 1"
        ),
        [
            "2:12 reminders.upcoming must be days before the due date: 0 or below, such as [-7]",
            "3:11 reminders.overdue must be a list of whole days, and a text is none",
            "4:7 reminders.sms must be a list of whole days, and a number with a point is none",
            "5:14 reminders.escalation must be a list of days in brackets, not a whole number",
            "6:16 reminders.repeat_until must be from 0 to 3650, not 4000",
            "7:1 reminders.repeat_ever unknown key; did you mean repeat_every?",
            "8:1 reminders.policies.none this name means something already: [reminders] itself is default, and none reminds of nothing",
            "12:5 reminders.policies.b must be a section [reminders.policies.b], not a whole number",
        ]
    );
    assert_eq!(
        problems("[reminders.policies.a]\nescalation = [9, 8]"),
        ["2:14 reminders.policies.a.escalation must ascend, from upcoming over overdue to escalation; 8 does not"]
    );
}
