use jiff::{Zoned, tz::TimeZone};
use proptest::prelude::*;

use super::{When, spans};

fn at(time: &str, zone: &str) -> Zoned {
    time.parse::<jiff::civil::DateTime>().unwrap().to_zoned(TimeZone::get(zone).unwrap()).unwrap()
}

fn said(when: &When) -> String {
    let day = |day: &Option<jiff::civil::Date>| day.map_or_else(|| "..".to_owned(), |day| day.to_string());
    match when {
        When::Days { from, to } => format!("{} {}", day(from), day(to)),
        When::Instants { from, to } => format!("{from} {to}"),
    }
}

fn check(now: &Zoned, table: &[(&str, &[&str])]) {
    for (text, wanted) in table {
        let found: Vec<String> = spans(text, now).iter().map(|span| said(&span.when)).collect();
        assert_eq!(found, *wanted, "{text}");
    }
}

/// A Wednesday.
fn now() -> Zoned {
    at("2026-11-25T13:00", "Europe/Berlin")
}

#[test]
fn times_by_their_names() {
    check(
        &now(),
        &[
            ("Show me sales for last month", &["2026-10-01 2026-11-01"]),
            ("sales of this month, please", &["2026-11-01 2026-12-01"]),
            ("next month", &["2026-12-01 2027-01-01"]),
            ("last week's orders", &["2026-11-16 2026-11-23"]),
            ("this week", &["2026-11-23 2026-11-30"]),
            ("past week", &["2026-11-19 2026-11-26"]),
            ("in the last 7 days", &["2026-11-19 2026-11-26"]),
            ("last two weeks", &["2026-11-12 2026-11-26"]),
            ("the previous 3 months", &["2026-08-26 2026-11-26"]),
            ("next 2 days", &["2026-11-25 2026-11-27"]),
            ("last quarter", &["2026-07-01 2026-10-01"]),
            ("this quarter", &["2026-10-01 2027-01-01"]),
            ("last year", &["2025-01-01 2026-01-01"]),
            ("this year", &["2026-01-01 2027-01-01"]),
            ("year to date", &["2026-01-01 2026-11-26"]),
            ("today, and yesterday", &["2026-11-25 2026-11-26", "2026-11-24 2026-11-25"]),
            ("Today's orders", &["2026-11-25 2026-11-26"]),
            ("3 days ago", &["2026-11-22 2026-11-23"]),
            ("a week ago", &["2026-11-18 2026-11-19"]),
            ("on Monday", &["2026-11-23 2026-11-24"]),
            ("on Wednesday", &["2026-11-25 2026-11-26"]),
            ("last Wednesday", &["2026-11-18 2026-11-19"]),
            ("next Wednesday", &["2026-12-02 2026-12-03"]),
            ("this Sunday", &["2026-11-29 2026-11-30"]),
            ("in March", &["2026-03-01 2026-04-01"]),
            ("March?", &["2026-03-01 2026-04-01"]),
            ("in December", &["2025-12-01 2026-01-01"]),
            ("last November", &["2025-11-01 2025-12-01"]),
            ("next March", &["2027-03-01 2027-04-01"]),
            ("March 2026", &["2026-03-01 2026-04-01"]),
            ("mar of 2025", &["2025-03-01 2025-04-01"]),
            ("Q3", &["2026-07-01 2026-10-01"]),
            ("q4", &["2026-10-01 2027-01-01"]),
            ("Q3 2025 and 2024 Q1", &["2025-07-01 2025-10-01", "2024-01-01 2024-04-01"]),
            ("second quarter of 2025", &["2025-04-01 2025-07-01"]),
            ("2025", &["2025-01-01 2026-01-01"]),
            ("2026-10", &["2026-10-01 2026-11-01"]),
            ("2026-11-25", &["2026-11-25 2026-11-26"]),
            ("1 May", &["2026-05-01 2026-05-02"]),
            ("the 1st of May", &["2026-05-01 2026-05-02"]),
            ("May 1st, 2025", &["2025-05-01 2025-05-02"]),
            ("24 december", &["2025-12-24 2025-12-25"]),
        ],
    );
}

#[test]
fn ranges_hold_both_ends() {
    check(
        &now(),
        &[
            ("2026-11-01 to 2026-11-15", &["2026-11-01 2026-11-16"]),
            ("from 2026-11-01 to 2026-11-15", &["2026-11-01 2026-11-16"]),
            ("2026-11-01 - 2026-11-15", &["2026-11-01 2026-11-16"]),
            ("between 1 May and 3 June", &["2026-05-01 2026-06-04"]),
            ("between 1 May and 30 November", &["2026-05-01 2026-12-01"]),
            ("from 20 December to 10 January", &["2025-12-20 2026-01-11"]),
            ("May 1 – June 3, 2025", &["2025-05-01 2025-06-04"]),
            ("1 to 15 May", &["2026-05-01 2026-05-16"]),
            ("from 1 to 15 May 2025", &["2025-05-01 2025-05-16"]),
            ("from March to May", &["2026-03-01 2026-06-01"]),
            ("from October until January", &["2026-10-01 2027-02-01"]),
            ("2024 to 2025", &["2024-01-01 2026-01-01"]),
            ("Q1 through Q3", &["2026-01-01 2026-10-01"]),
            ("from Monday to today", &["2026-11-23 2026-11-26"]),
            ("since Monday", &["2026-11-23 2026-11-26"]),
            ("since 1 May", &["2026-05-01 2026-11-26"]),
            ("since the 1st of May", &["2026-05-01 2026-11-26"]),
            ("since last month", &["2026-10-01 2026-11-26"]),
            ("from March on", &["2026-03-01 2026-11-26"]),
            ("after March", &["2026-04-01 2026-11-26"]),
            ("before May", &[".. 2026-05-01"]),
            ("until May", &[".. 2026-06-01"]),
            ("up to yesterday", &[".. 2026-11-25"]),
            // The wrong way round is nothing, not two times.
            ("from 2026-11-15 to 2026-11-01", &[]),
            ("since tomorrow", &[]),
        ],
    );
}

#[test]
fn what_is_no_time() {
    check(
        &now(),
        &[
            ("", &[]),
            ("may I see what I may", &[]),
            ("march on", &[]),
            ("the second one", &[]),
            ("01/05/2026 or 1.5.2026", &[]),
            ("2026-13-01, 2026-02-30, 30 February 2026", &[]),
            ("version 12345, 1850 and 2500", &[]),
            ("{{2025}} {{today}}", &[]),
            ("2026-11-25T10:00 x2025 2025x", &[]),
            ("last 99999 days, last 0 days", &[]),
            ("between us and them, from a to b", &[]),
            ("sunday-school mondays", &[]),
            ("٢٠٢٥ ２０２５ 🙂2025-11-0🙂", &[]),
        ],
    );
    check(&now(), &[("29 February", &["2024-02-29 2024-03-01"])]);
}

#[test]
fn ends_of_years_leap_days_and_clocks() {
    check(
        &at("2026-01-01T00:30", "Europe/Berlin"),
        &[
            ("yesterday", &["2025-12-31 2026-01-01"]),
            ("last month", &["2025-12-01 2026-01-01"]),
            ("last quarter", &["2025-10-01 2026-01-01"]),
            ("this week", &["2025-12-29 2026-01-05"]),
            ("in March", &["2025-03-01 2025-04-01"]),
        ],
    );
    check(
        &at("2028-02-29T12:00", "America/New_York"),
        &[
            ("today", &["2028-02-29 2028-03-01"]),
            ("last 12 months", &["2027-03-01 2028-03-01"]),
            ("a year ago", &["2027-02-28 2027-03-01"]),
            ("29 February", &["2028-02-29 2028-03-01"]),
            ("this month", &["2028-02-01 2028-03-01"]),
        ],
    );
    // The clocks go on at 2 on the 29th: a day of the calendar is a day.
    let spring = at("2026-03-29T12:00", "Europe/Berlin");
    check(&spring, &[("today", &["2026-03-29 2026-03-30"]), ("last 2 days", &["2026-03-28 2026-03-30"])]);
    // Hours are hours.
    check(&spring, &[("last 12 hours", &["2026-03-28T22:00:00Z 2026-03-29T10:00:00Z"])]);
    // The same moment is another day elsewhere.
    let moment = now().timestamp();
    for (zone, wanted) in
        [("Pacific/Kiritimati", "2026-11-26 2026-11-27"), ("Pacific/Pago_Pago", "2026-11-25 2026-11-26")]
    {
        check(&moment.to_zoned(TimeZone::get(zone).unwrap()), &[("today", &[wanted])]);
    }
    // At the ends of all times nothing is counted over.
    for time in [jiff::Timestamp::MIN, jiff::Timestamp::MAX] {
        let now = time.to_zoned(TimeZone::UTC);
        for text in [
            "today",
            "last month",
            "next year",
            "last 4000 years",
            "since 1 May",
            "29 February",
            "next 9 weeks",
            "tomorrow",
        ] {
            spans(text, &now);
        }
    }
}

#[test]
fn walls_of_text_are_read_in_one_pass() {
    let clock = crate::clock::Clock::real();
    let begun = clock.monotonic();
    for piece in [
        "9",
        "2025 ",
        "last ",
        "from ",
        "between 1 May and ",
        "1 to ",
        "–",
        "- ",
        "{{today}}",
        "\u{202e}",
        "mar ",
        "since since ",
    ] {
        spans(&piece.repeat(32 * 1024 / piece.len()), &now());
    }
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}

proptest! {
    #[test]
    fn nothing_panics_and_places_are_in_order(
        words in proptest::collection::vec(prop_oneof![
            "[a-z0-9]{1,4}", "\\PC{0,4}", "[0-9]{1,2}", "(19|20)[0-9]{2}(-[0-9]{2}(-[0-9]{2})?)?",
            proptest::sample::select(vec![
                "last", "next", "this", "since", "from", "to", "between", "and", "until", "May", "march", "q3", "days",
                "week", "month", "monday", "ago", "the", "of", "-", "today", "up", "on", "first", "quarter",
            ]).prop_map(str::to_owned),
        ], 0..12),
        seconds in -377705116800_i64..253402207200,
    ) {
        let text = words.join(" ");
        let now = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(TimeZone::get("America/Sao_Paulo").unwrap());
        let mut last = 0;
        for span in spans(&text, &now) {
            prop_assert!(span.at.start >= last && text.get(span.at.clone()).is_some(), "{text:?} {span:?}");
            last = span.at.end;
            if let When::Days { from: Some(from), to: Some(to) } = span.when {
                prop_assert!(from < to, "{text:?}");
            }
        }
    }
}
