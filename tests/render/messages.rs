//! What people read: every kind of message in every language.

use finops::engine::alerts::DIED;
use finops::error::ErrorKind;
use finops::model::message::{MessageFacts, MessageKind, Rendered};
use finops::model::{EffectState, FailReason, FailureClass};
use finops::render::languages;
use finops::render::messages::{TemplateError, Templates, built_in, samples};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::LazyLock;

static BUILT_IN: LazyLock<Templates> = LazyLock::new(Templates::built_in);

fn render(kind: MessageKind, language: &str, facts: &MessageFacts) -> Rendered {
    BUILT_IN.render(kind, language, facts).unwrap_or_else(|e| panic!("{kind} in {language}: {e}"))
}

/// Each message of the samples in each language.
static WRITTEN: LazyLock<Vec<(MessageKind, &str, MessageFacts, Rendered)>> = LazyLock::new(|| {
    let mut written = Vec::new();
    for kind in MessageKind::ALL {
        for facts in samples(*kind).unwrap() {
            for language in languages::tags() {
                written.push((*kind, language, facts.clone(), render(*kind, language, &facts)));
            }
        }
    }
    written
});

fn each(mut look: impl FnMut(MessageKind, &str, &MessageFacts, &Rendered)) {
    for (kind, language, facts, rendered) in WRITTEN.iter() {
        look(*kind, language, facts, rendered);
    }
}

/// What a reader of the HTML sees, on one line.
fn seen(html: &str) -> String {
    let body = html.split_once("<body").unwrap().1;
    let mut text = String::new();
    for part in body.split('<').skip(1) {
        text.push(' ');
        text.push_str(part.split_once('>').unwrap().1);
    }
    let plain =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&nbsp;", " "), ("&amp;", "&")];
    one_line(&plain.iter().fold(text, |text, (from, to)| text.replace(from, to)))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn built_in_templates_ask_for_nothing_that_is_missing() {
    // Built-in ones are not tried when a job runs: here they are, as files of the user's.
    assert_eq!(Templates::with_overrides(built_in()).check(), []);
}

#[test]
fn every_kind_in_every_language() {
    for kind in MessageKind::ALL {
        for language in languages::tags() {
            let samples = samples(*kind).unwrap();
            // One invoice with everything, and several in two currencies; reminders at each step.
            let chosen = [1, 2].into_iter().chain(5..samples.len());
            let told: Vec<String> = chosen
                .map(|index| render(*kind, language, &samples[index]))
                .map(|r| format!("Subject: {}\nShort: {}\n\n{}", r.subject, r.short, r.text))
                .collect();
            insta::assert_snapshot!(format!("{kind}.{language}"), told.join("\n\n========\n\n"));
        }
    }
}

/// Slack has a title of its own, and lines as long as they are.
#[test]
fn what_slack_shows() {
    let mut shown = Vec::new();
    for kind in MessageKind::ALL {
        for facts in samples(*kind).unwrap() {
            for language in languages::tags() {
                let text = BUILT_IN.slack(*kind, language, &facts).unwrap();
                let plain = render(*kind, language, &facts);
                let unmarked = |text: &str| one_line(&text.replace(['*', '_', '`', '•'], ""));
                // The title stands on a line of its own there.
                let is_title = |line: &&str| line.chars().any(char::is_alphabetic) && line.to_uppercase() == **line;
                for title in plain.text.lines().filter(is_title).take(1) {
                    let again = text.lines().any(|line| unmarked(line).to_uppercase() == title);
                    assert!(!again, "{kind} in {language}: {title} stands above already: {text}");
                }
                let (whole, plain) = (unmarked(&text), unmarked(&plain.text));
                // Texts that mean harm stand in the letterhead, too, which Slack does not show.
                let numbers = facts.invoices.iter().map(|invoice| unmarked(&invoice.number));
                for number in numbers.filter(|number| !number.contains("script")) {
                    assert!(whole.contains(&number) || !plain.contains(&number), "{kind} in {language}: no {number} in {text}");
                }
            }
        }
        let facts = &samples(*kind).unwrap()[1];
        shown.push(format!("{}\n\n{}", render(*kind, "en", facts).subject, BUILT_IN.slack(*kind, "en", facts).unwrap()));
    }
    insta::assert_snapshot!("slack", shown.join("\n========\n\n"));
}

/// Whether something is to be paid, by what a message is for.
fn asks_for_money(kind: MessageKind, facts: &MessageFacts) -> bool {
    let statement = facts.statement.iter().flat_map(|s| &s.accounts).any(|a| a.closing > rust_decimal::Decimal::ZERO);
    match kind {
        MessageKind::InvoiceIssued
        | MessageKind::InvoiceFailed
        | MessageKind::ReminderUpcoming
        | MessageKind::ReminderOverdue
        | MessageKind::ReminderEscalation => !facts.owed.is_empty(),
        MessageKind::Statement => statement,
        _ => false,
    }
}

#[test]
fn text_and_html_name_the_same_invoices_and_amounts() {
    each(|kind, tag, facts, rendered| {
        let language = languages::find(tag).unwrap();
        let (html, text) = (seen(&rendered.html), one_line(&rendered.text));
        let mut said: Vec<String> = Vec::new();
        let shows_invoices = !matches!(kind, MessageKind::Statement | MessageKind::Digest | MessageKind::JobCompleted);
        let asks = asks_for_money(kind, facts);
        for invoice in facts.invoices.iter().filter(|_| shows_invoices) {
            let amount = if asks { &invoice.balance } else { &invoice.total };
            let day = if asks || kind == MessageKind::InvoiceDraft { invoice.due_on } else { invoice.issued_on };
            let settled = [&invoice.paid, &invoice.from_credit].into_iter().flatten();
            let settled = settled.filter(|_| asks || kind == MessageKind::InvoiceIssued);
            said.extend(settled.map(|sum| language.money(sum.amount, sum.currency)));
            said.extend([invoice.number.clone(), language.date(day), language.money(amount.amount, amount.currency)]);
        }
        if asks && shows_invoices {
            said.extend(facts.owed.iter().map(|owed| language.money(owed.amount, owed.currency)));
        }
        if let Some(statement) = facts.statement.as_ref().filter(|_| kind == MessageKind::Statement) {
            let sums = statement.accounts.iter().flat_map(|a| [a.opening, a.closing, a.overdue].map(|sum| (sum, a.currency)));
            said.extend(sums.map(|(sum, currency)| language.money(sum, currency)));
        }
        let events: Vec<_> = if kind == MessageKind::Digest { facts.events.iter().collect() } else { Vec::new() };
        said.extend(events.iter().flat_map(|e| [e.about.clone(), e.message.clone(), language.instant(e.at, facts.time_zone)]));
        for words in said.iter().map(|words| one_line(words)) {
            assert!(html.contains(&words), "{kind} in {tag}: the HTML lacks {words:?}\n{html}");
            assert!(text.contains(&words), "{kind} in {tag}: the text lacks {words:?}\n{text}");
        }
    });
}

#[test]
fn bank_details_stand_where_money_is_asked_for_and_nowhere_else() {
    each(|kind, tag, facts, rendered| {
        let asks = asks_for_money(kind, facts);
        let there = facts.bank.is_some() && asks;
        for part in [&rendered.text, &seen(&rendered.html)] {
            assert_eq!(part.contains("DE89 3704 0044 0532 0130 00"), there, "{kind} in {tag}\n{part}");
        }
    });
}

#[test]
fn texts_that_mean_harm_are_only_text() {
    each(|kind, tag, _, rendered| {
        let Rendered { subject, text, html, short } = rendered;
        for line in [subject, short] {
            assert!(!line.contains(char::is_control) && !line.is_empty(), "{kind} in {tag}: {line:?}");
        }
        assert!(!html.contains("<script"), "{kind} in {tag}\n{html}");
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{kind} in {tag}\n{text}");
        assert!(!text.contains("49") || text.contains("7 * 7") || text.contains("+49"), "{kind} in {tag}\n{text}");
        assert!(!text.contains('\r') && !text.contains("\n\n\n") && text.ends_with('\n'), "{kind} in {tag}\n{text:?}");
    });
}

#[test]
fn a_short_text_fits_into_one_sms() {
    for kind in MessageKind::ALL {
        // Those with texts of usual lengths.
        for facts in samples(*kind).unwrap().iter().enumerate().filter(|(index, _)| ![3, 4].contains(index)).map(|(_, f)| f) {
            for tag in languages::tags() {
                let short = render(*kind, tag, facts).short;
                assert!(short.chars().count() <= 160 && !short.ends_with("..."), "{kind} in {tag}: {short}");
            }
        }
    }
}

#[test]
fn reminders_get_firmer() {
    for tag in languages::tags() {
        let facts = &samples(MessageKind::ReminderOverdue).unwrap()[1];
        let at = |urgency: Option<u8>| render(MessageKind::ReminderOverdue, tag, &MessageFacts { urgency, ..facts.clone() });
        let steps: Vec<Rendered> = (1..=5).map(|urgency| at(Some(urgency))).collect();
        for pair in steps.windows(2) {
            assert!(
                pair[0].subject != pair[1].subject && pair[0].text != pair[1].text && pair[0].short != pair[1].short,
                "{tag}"
            );
        }
        assert_eq!(at(None), steps[0]);
        assert_eq!(at(Some(9)), steps[4]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a name holds, the page has the same tags and the subject is one line.
    #[test]
    fn names_are_only_names(name in "[\\PC\r\n<>&\"'{}%#/=-]{1,40}", number in "[\\PC\r\n<>&{}%]{1,20}") {
        let plain = &samples(MessageKind::ReminderOverdue).unwrap()[2];
        let mut named = plain.clone();
        for party in [&mut named.seller, &mut named.company] {
            party.as_mut().unwrap().name = name.clone();
        }
        named.invoices[1].number = number.clone();
        named.invoices[1].reference = name.clone();
        let (plain, named) = (render(MessageKind::ReminderOverdue, "en", plain), render(MessageKind::ReminderOverdue, "en", &named));
        let tags = |html: &str| html.matches('<').count();
        prop_assert_eq!(tags(&named.html), tags(&plain.html));
        prop_assert!(!named.subject.contains(char::is_control) && !named.short.contains(char::is_control));
        prop_assert!(seen(&named.html).contains(&one_line(&number)) && one_line(&named.text).contains(&one_line(&number)));
    }
}

fn with(files: &[(&str, &str)]) -> Templates {
    Templates::with_overrides(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
}

#[test]
fn a_file_replaces_a_template_for_all_languages_or_for_one() {
    let facts = &samples(MessageKind::ReminderOverdue).unwrap()[1];
    let templates = with(&[
        ("reminder.overdue.subject", "Hey {{ company.name }}: {{ owed|money }}\n"),
        (
            "reminder.overdue.de.subject",
            "Hallo {{ invoices[0].due_on|date }} {{ 3|plural(one=\"Rechnung\", other=\"Rechnungen\") }}",
        ),
        ("reminder.overdue.html", "{% extends \"layout.html\" %}{% block body %}<b>{{ company.name }}</b>{% endblock %}"),
        ("layout.html", "<i>{% block body %}{% endblock %}</i>"),
    ]);
    assert_eq!(templates.check(), []);
    let render = |language| templates.render(MessageKind::ReminderOverdue, language, facts).unwrap();
    assert_eq!(render("en").subject, "Hey Sample Industries Inc.: EUR 19.00");
    assert_eq!(render("de-AT").subject, "Hallo 18. Oktober 2024 Rechnungen");
    assert_eq!(render("pl").html, "<i><b>Sample Industries Inc.</b></i>");
    assert_eq!(render("en").text, self::render(MessageKind::ReminderOverdue, "en", facts).text);
}

#[test]
fn filters_write_facts_in_the_way_of_the_language() {
    let facts = &samples(MessageKind::ReminderOverdue).unwrap()[2];
    let template = "{{ invoices[0].total|money }}|{{ owed|money }}|{{ today|date }}|{{ event.at|date }}|{{ 1234567|number }}|\
                    {{ invoices|length|plural(\"common.invoices\") }}|{{ 1|days }}|{{ (-3)|days }}|{{ bank.iban|iban }}|{{ seller.address|address|join(\"/\") }}";
    let templates = with(&[("reminder.overdue.txt", template)]);
    let text = |language| {
        templates.render(MessageKind::ReminderOverdue, language, facts).unwrap().text.replace(['\u{a0}', '\u{202f}'], "_")
    };
    assert_eq!(
        text("en"),
        "EUR_119.00|EUR_1,372.56 and USD_2,588.12|3_November 2024|22_September 2024, 12:13 CEST|1,234,567|3 invoices|1 day|3 days|\
         DE89 3704 0044 0532 0130 00|1 Example Street/10115 Berlin/Germany\n"
    );
    assert_eq!(
        text("pl"),
        "119,00_EUR|1372,56_EUR i 2588,12_USD|3_listopada 2024|22_września 2024, 12:13 CEST|1_234_567|3 faktury|1 dzień|3 dni|\
         DE89 3704 0044 0532 0130 00|1 Example Street/10115 Berlin/Niemcy\n"
    );
}

/// What `check` says of one file: the first problem, with file, line and variable.
#[track_caller]
fn problem(name: &str, text: &str) -> TemplateError {
    let problems = with(&[(name, text)]).check();
    assert!(!problems.is_empty(), "{name} passed");
    problems[0].clone()
}

#[test]
fn a_slip_in_a_template_is_told_with_file_line_and_variable() {
    let told = problem("reminder.overdue.html", "<p>\n{{ seller.name }}\n{{ invoices[0].numbr }}</p>");
    assert_eq!(
        (told.template.as_str(), told.place.map(|(line, _)| line), told.variable.as_deref()),
        ("reminder.overdue.html", Some(3), Some("invoices[0].numbr"))
    );
    assert_eq!(told.to_string(), "reminder.overdue.html, line 3: invoices[0].numbr is not among the facts of this message");

    let told = problem("digest.fr.txt", "{% for event in events %}\n{{ evnt.message }}\n{% endfor %}");
    assert_eq!(
        (told.template.as_str(), told.place.map(|(line, _)| line), told.variable.as_deref()),
        ("digest.fr.txt", Some(2), Some("evnt.message"))
    );

    let told = problem("statement.subject", "{{ t(\"statement.subjct\") }}");
    assert_eq!((told.template.as_str(), told.place.map(|(line, _)| line)), ("statement.subject", Some(1)));
    assert!(told.problem.contains("statement.subjct"), "{told}");

    let told = problem("job.failed.short", "one\n{% if event %}");
    assert_eq!((told.template.as_str(), told.place.map(|(line, _)| line)), ("job.failed.short", Some(2)));

    let told = problem("layout.html", "{{ seler.name }}{% block body %}{% endblock %}");
    assert_eq!((told.template.as_str(), told.variable.as_deref()), ("layout.html", Some("seler.name")));

    let told = problem("invoice.issued.txt", "{{ invoices[0].due_on|dat }}");
    assert!(told.problem.contains("dat"), "{told}");

    let told = problem("invoice.issued.txt", "{{ invoices[0].due_on|money }}");
    assert!(told.problem.contains("money"), "{told}");

    for subject in ["", " \n", "{% if 1 > 2 %}Reminder{% endif %}", "\u{a0}"] {
        let told = problem("reminder.overdue.de.subject", subject);
        assert_eq!((told.template.as_str(), told.place), ("reminder.overdue.de.subject", Some((1, 1))), "{subject:?}");
        assert!(told.problem.contains("empty"), "{told}");
    }

    for (name, what) in
        [("reminder.overdue.short", "short text"), ("invoice.issued.txt", "text"), ("invoice.issued.fr.html", "text")]
    {
        let told = problem(name, "{# later #}\n");
        assert!(told.template == name && told.problem.contains(&format!("the {what} is empty")), "{told}");
    }

    // Where no sample leads.
    let told = problem("invoice.issued.txt", "A{% if invoices|length > 9000 %}{{ seler.name }}{{ bank.ibn }}{% endif %}");
    assert_eq!((told.template.as_str(), told.variable.as_deref()), ("invoice.issued.txt", Some("bank.ibn")));
    assert_eq!(told.place, Some((1, 52)), "where it stands");
    let none = "A{% for i in invoices if 0 > 1 %}{{ i.x }}{{ loop.index }}{% endfor %}{% if event.details.mine is defined %}x{% endif %}";
    assert_eq!(with(&[("job.failed.txt", none)]).check(), []);

    let told = problem("invoice.isued.txt", "whatever");
    assert_eq!((told.template.as_str(), told.place.map(|(line, _)| line)), ("invoice.isued.txt", None));
}

#[test]
fn a_broken_template_is_told_when_it_is_needed_and_harms_no_other() {
    let templates = with(&[("job.failed.txt", "{{ event.message "), ("layout.de.html", "{% block body %}")]);
    assert_eq!(templates.check().len(), 2);
    let facts = |kind| samples(kind).unwrap().swap_remove(1);
    let told = templates.render(MessageKind::JobFailed, "en", &facts(MessageKind::JobFailed)).unwrap_err();
    assert_eq!(told.template, "job.failed.txt");
    let told = templates.render(MessageKind::InvoicePaid, "de", &facts(MessageKind::InvoicePaid)).unwrap_err();
    assert_eq!(told.template, "layout.de.html");
    assert!(templates.render(MessageKind::InvoicePaid, "en", &facts(MessageKind::InvoicePaid)).is_ok());
}

#[test]
fn no_text_of_the_languages_is_unused() {
    let templates: String = built_in().into_iter().map(|(_, text)| text).collect();
    let language = languages::find("en").unwrap();
    // Asked for by the code, or by a name that a template puts together.
    let in_code =
        ["alert.draft_for", "common.up_to", "common.days", "common.days_in_sentence", "common.invoices", "common.many_invoices"];
    for key in language.text_keys().filter(|key| !in_code.contains(key)) {
        let last = key.rsplit('.').next().unwrap();
        let whole = templates.contains(&format!("\"{key}\""));
        let put_together = templates.contains(&format!("~ \".{last}\"")) || templates.contains(&format!("\".{last}\""));
        let severity = key.starts_with("alert.") && ["info", "warning", "critical"].iter().any(|s| last.ends_with(s));
        let notice = key.starts_with("notice.invoice.") && templates.contains("\"notice.\" ~ event.kind");
        // Which of them there are is tested below.
        let reason = key.starts_with("reason.") && templates.contains("reason(");
        let document = key.starts_with("alert.documents.") && templates.contains("document(");
        let todo = key.starts_with("todo.") && templates.contains("advice(");
        let figure = |name| key.starts_with(&format!("job.completed.{name}.")) && templates.contains(&format!("({name}(event)"));
        let by_code = reason || document || todo || figure("done") || figure("delivered");
        assert!(whole || put_together || severity || notice || by_code, "{key} is in no template");
    }
}

#[test]
fn every_failure_of_a_message_has_a_sentence_in_each_language() {
    for tag in languages::tags() {
        let language = languages::find(tag).unwrap();
        for class in FailureClass::ALL {
            // Declines are of payments; what is obsolete is in order.
            let is_none = matches!(class, FailureClass::SoftDecline | FailureClass::HardDecline | FailureClass::Obsolete);
            assert_eq!(language.text(&format!("reason.effect.{class}")).is_none(), is_none, "{tag}: {class}");
        }
    }
}

/// What was not delivered, as it stands.
fn undelivered(state: EffectState, class: FailureClass, audience: &str) -> MessageFacts {
    let mut facts = samples(MessageKind::EffectFailed).unwrap().swap_remove(1);
    let event = facts.event.as_mut().unwrap();
    event.hint = "a hint in English".to_owned();
    let details =
        [("state", state.as_str()), ("reason", class.as_str()), ("audience", audience), ("next_at", "2024-09-22T12:00:00Z")];
    event.details.extend(details.map(|(name, value)| (name.to_owned(), value.to_owned())));
    facts
}

#[test]
fn what_to_do_about_what_was_not_delivered_is_said_in_each_language() {
    use EffectState as State;
    let classes = FailureClass::ALL.iter();
    let classes: Vec<FailureClass> = classes.copied().filter(|class| *class != FailureClass::Obsolete).collect();
    for tag in languages::tags() {
        for class in &classes {
            for (state, audience) in [
                (State::Planned, "customer"),
                (State::Unknown, "customer"),
                (State::Failed, "customer"),
                (State::Failed, "staff"),
                (State::NeedsHuman, "customer"),
            ] {
                let text = one_line(&render(MessageKind::EffectFailed, tag, &undelivered(state, *class, audience)).text);
                assert!(!text.contains("a hint in English"), "{tag} {state} {class} {audience}: {text}");
            }
        }
    }
    let told =
        |state, class, audience| one_line(&render(MessageKind::EffectFailed, "en", &undelivered(state, class, audience)).text);
    let refused = told(State::Failed, FailureClass::Rejected, "customer");
    for part in
        ["finops import contacts contacts.csv", "finops invoices send INV-2024-000041", "Invoice INV-2024-000041", "EUR 119.00"]
    {
        assert!(refused.replace('\u{a0}', " ").contains(part), "{part}: {refused}");
    }
    let deferred = told(State::Planned, FailureClass::Deferred, "customer").replace('\u{a0}', " ");
    assert!(deferred.contains("not before 22 September 2024, 14:00 CEST") && !deferred.contains("finops effects"), "{deferred}");
    assert!(told(State::Failed, FailureClass::Rejected, "staff").contains("in the configuration"));
}

#[test]
fn what_was_not_delivered_is_named_by_its_kind() {
    for (kind, named) in [
        (MessageKind::InvoiceIssued, "Not delivered: Invoice INV-2024-000041, "),
        (MessageKind::InvoicePaid, "Not delivered: Receipt for INV-2024-000041, "),
        (MessageKind::InvoiceVoided, "Not delivered: Cancellation of invoice INV-2024-000041, "),
        (MessageKind::CreditNoteIssued, "Not delivered: Credit note INV-2024-000041, "),
        (MessageKind::ReminderEscalation, "Not delivered: Reminder of INV-2024-000041, "),
        (MessageKind::Statement, "Not delivered: Statement of account, "),
    ] {
        let mut facts = undelivered(EffectState::Failed, FailureClass::Rejected, "customer");
        facts.event.as_mut().unwrap().details.insert("message".to_owned(), kind.to_string());
        let subject = render(MessageKind::EffectFailed, "en", &facts).subject;
        assert!(subject.starts_with(named), "{subject}");
    }
}

/// The sentences of a kind of reason, and what to do about it, in each language.
#[track_caller]
fn sentences_are(of: &str, expected: &[&str]) {
    for part in ["reason", "todo"] {
        let expected: BTreeSet<String> = expected.iter().map(|word| format!("{part}.{of}.{word}")).collect();
        let start = format!("{part}.{of}.");
        for tag in languages::tags() {
            let keys = languages::find(tag).unwrap().text_keys().filter(|key| key.starts_with(&start));
            assert_eq!(keys.map(str::to_owned).collect::<BTreeSet<_>>(), expected, "{tag}");
        }
    }
}

#[test]
fn what_to_do_is_said_in_the_language_and_what_was_noted_beside_it() {
    let facts = |kind| samples(kind).unwrap().swap_remove(1);
    for kind in [MessageKind::ItemFailed, MessageKind::ItemParked, MessageKind::JobFailed] {
        let noted = facts(kind).event.unwrap().hint;
        for (tag, todo) in [("de", "Was zu tun ist:"), ("fr", "Que faire\u{a0}:"), ("es", "Qué hacer:"), ("pl", "Co zrobić:")] {
            let written = render(kind, tag, &facts(kind)).text;
            let (before, said) = written.split_once(todo).unwrap_or_else(|| panic!("{kind} {tag}: {written}"));
            assert!(!before.contains(&noted), "{written}");
            let said = one_line(said);
            let (own, beside) = said.split_once(&noted).unwrap_or_else(|| panic!("{kind} {tag}: {said}"));
            assert!(own.len() > 60 && !beside.contains(&noted), "{kind} {tag}: {own}");
        }
        let english = one_line(&render(kind, "en", &facts(kind)).text);
        assert_eq!(english.matches(&noted).count(), 1, "{english}");
    }
    let mut without = facts(MessageKind::ItemFailed);
    without.event.as_mut().unwrap().hint.clear();
    assert!(one_line(&render(MessageKind::ItemFailed, "en", &without).text).contains("What to do: Import a rate"));
}

#[test]
fn a_short_text_says_what_to_do_where_there_is_room() {
    let short = |about: &str| {
        let mut facts = samples(MessageKind::ItemFailed).unwrap().swap_remove(1);
        let event = facts.event.as_mut().unwrap();
        event.details.insert("reason".to_owned(), "refused".to_owned());
        (event.company, event.about) = ("Acme".to_owned(), about.to_owned());
        render(MessageKind::ItemFailed, "de", &facts).short
    };
    let why = "Die Datenbank hat die Daten dieses Kunden abgelehnt.";
    assert!(short("").ends_with("Was an den Daten nicht stimmt: finops db check"), "{}", short(""));
    assert_eq!(short("IT support and more"), format!("finops: Nicht ausgeführt: IT support and more, Acme. {why}"));
}

#[test]
fn every_reason_why_a_unit_fails_has_a_sentence_in_each_language() {
    sentences_are("item", &FailReason::ALL.iter().map(|reason| reason.as_str()).collect::<Vec<_>>());
}

#[test]
fn every_reason_why_a_run_fails_has_a_sentence_in_each_language() {
    let failures = ErrorKind::ALL.iter().filter(|kind| kind.is_a_failure()).map(|kind| kind.as_str());
    sentences_are("job", &failures.chain([DIED]).collect::<Vec<_>>());
}

#[test]
fn the_figures_of_a_run_say_what_they_count() {
    let mut facts = samples(MessageKind::JobCompleted).unwrap().swap_remove(1);
    for (job, tag, told) in [
        ("invoices.generate", "en", "Invoices drafted: 42"),
        ("invoices.issue", "en", "PDFs filed: 41"),
        ("invoices.send", "en", "Messages delivered: 41"),
        ("invoices.send", "de", "Nachrichten zugestellt: 41"),
        ("reminders.overdue", "fr", "Relances préparées\u{a0}: 42"),
        ("alerts.dispatch", "es", "Sucesos comunicados: 42"),
        ("effects.settle", "pl", "Dostarczone wiadomości i pliki PDF: 41"),
        ("invoices.send", "en", "Failures: 5"),
        ("invoices.send", "en", "What happened: the tax code vat19"),
        ("invoices.send", "en", "What to do: import a rate"),
    ] {
        facts.event.as_mut().unwrap().job = job.to_owned();
        let text = one_line(&render(MessageKind::JobCompleted, tag, &facts).text);
        assert!(text.contains(&one_line(told)), "{told}\n{text}");
    }
    assert!(!render(MessageKind::JobCompleted, "en", &facts).text.contains("\nDone:"));
}

#[test]
fn there_are_sentences_of_no_other_reasons() {
    let of_reasons = |key: &'static str| key.strip_prefix("reason.").or_else(|| key.strip_prefix("todo."));
    for key in languages::find("en").unwrap().text_keys().filter_map(of_reasons) {
        assert!(["item.", "effect.", "job."].iter().any(|of| key.starts_with(of)), "{key}");
    }
}

#[test]
fn a_moment_is_told_by_the_clock_of_who_reads_it() {
    let facts = samples(MessageKind::JobFailed).unwrap().swap_remove(1);
    for (zone, told) in [
        (chrono_tz::Tz::UTC, "22 September 2024, 10:13 UTC"),
        (chrono_tz::America::New_York, "22 September 2024, 06:13 EDT"),
        (chrono_tz::Asia::Tokyo, "22 September 2024, 19:13 JST"),
        (chrono_tz::America::Sao_Paulo, "22 September 2024, 07:13 UTC-03"),
    ] {
        let told_in = MessageFacts { time_zone: zone, ..facts.clone() };
        let text = render(MessageKind::JobFailed, "en", &told_in).text.replace('\u{a0}', " ");
        assert!(text.contains(told), "{told}\n{text}");
    }
}

#[test]
fn invoices_that_are_equally_late_are_not_up_to_so_late() {
    let mut facts = samples(MessageKind::ReminderEscalation).unwrap().swap_remove(2);
    facts.urgency = Some(4);
    let days: Vec<i64> = facts.invoices.iter().map(|invoice| invoice.days_overdue).collect();
    assert!(days.len() > 1 && days[0] != days[1]);
    let told =
        |facts: &MessageFacts, tag| one_line(&render(MessageKind::ReminderEscalation, tag, facts).text.replace('\u{a0}', " "));
    assert!(told(&facts, "de").contains("seit bis zu 16 Tagen") && told(&facts, "en").contains("up to 16 days"));
    facts.invoices.iter_mut().for_each(|invoice| invoice.days_overdue = 30);
    assert!(told(&facts, "de").contains("seit 30 Tagen überfällig"), "{}", told(&facts, "de"));
    assert!(told(&facts, "en").contains("overdue for 30 days"), "{}", told(&facts, "en"));
    for tag in ["fr", "es"] {
        let text = told(&facts, tag);
        assert!(!text.contains("jusqu’à 30") && !text.contains("hasta 30"), "{text}");
    }
}
