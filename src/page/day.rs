//! A day, and a moment, as people read it. All of them are UTC: a page does not know where its reader is.
//!
//! Not here: seconds. What pages tell is not that exact.

use crate::time::Timestamp;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Such as `3 November 2026`.
pub(super) fn of(at: Timestamp) -> String {
    let (year, month, day) = civil(at.0 / 86_400);
    let month = usize::try_from(month).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    format!("{day} {} {year}", month.unwrap_or(&"")) // civil months are 1 to 12
}

/// Such as `3 November 2026, 09:05 UTC`: for operators, who compare it with other clocks.
pub(super) fn moment(at: Timestamp) -> String {
    let minutes = at.0 % 86_400 / 60;
    format!("{}, {:02}:{:02} UTC", of(at), minutes / 60, minutes % 60)
}

/// Such as `3 Nov`, below a chart.
pub(super) fn short(at: Timestamp) -> String {
    let (_, month, day) = civil(at.0 / 86_400);
    let month = usize::try_from(month).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    format!("{day} {}", month.unwrap_or(&"").get(..3).unwrap_or_default())
}

/// Such as `09:05`, below a chart.
pub(super) fn clock(at: Timestamp) -> String {
    let minutes = at.0 % 86_400 / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The proleptic Gregorian date of a day since the epoch, counted in years that begin in March so that leap days come
/// last.
fn civil(days: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097; // days in 400 years
    let days = days.saturating_add(719_468); // from 1 March of the year 0
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let of_month = day - (153 * month + 2) / 5 + 1;
    let (month, january) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + january, month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, day) in [
            (0, "1 January 1970"),
            (86_399, "1 January 1970"),
            (86_400, "2 January 1970"),
            (951_782_400, "29 February 2000"),
            (951_868_800, "1 March 2000"),
            (1_709_164_800, "29 February 2024"),
            (1_735_603_200, "31 December 2024"),
            (1_735_689_600, "1 January 2025"),
            (1_795_176_974, "20 November 2026"),
            (4_107_542_400, "1 March 2100"),
        ] {
            assert_eq!(of(Timestamp(seconds)), day);
        }
        assert!(!of(Timestamp(u64::MAX)).is_empty());
        assert_eq!(moment(Timestamp(1_795_176_974)), "20 November 2026, 12:16 UTC");
    }
}
