//! A chart, drawn on the server: bars or lines over steps of time, and the same numbers as a table.
//!
//! It needs no script and no style of its own: places are attributes, colours are classes of the stylesheet. What tells
//! one series from another is more than a colour. Not here: where the numbers come from.

use askama::Template;

use crate::page::text::html;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 200.0;
/// Around the drawing: for the scale at the left, for the steps below.
const LEFT: f64 = 46.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 24.0;
/// How many lines the scale has above the lowest.
const LINES: u32 = 4;
/// Of what is drawn and told: more steps could not be told apart.
const MOST_STEPS: usize = 240;
/// The stylesheet has so many colours.
const MOST_SERIES: usize = 4;
/// How many steps have a name below the chart.
const NAMED: usize = 4;

/// A chart of numbers over steps of time.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "console/chart.html")]
pub struct Chart {
    /// What it shows, as a heading.
    pub title: String,
    /// The same in a sentence, with what matters of it: what is read where nothing is seen.
    pub summary: String,
    /// What is counted, such as `calls` or `ms`.
    pub unit: &'static str,
    /// How it is drawn.
    pub kind: ChartKind,
    /// The steps, such as `09:05`.
    pub steps: Vec<String>,
    /// What is counted at each step, four series at most. A missing number is none.
    pub series: Vec<Series>,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartKind {
    /// Bars, one series on top of the other: parts of a whole.
    Bars,
    /// Lines, each for itself.
    Lines,
}

/// One series of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// What it is.
    pub name: String,
    /// A number for each step.
    pub values: Vec<u64>,
}

/// A rectangle of the drawing, in its own units.
struct Bar {
    x: String,
    y: String,
    width: String,
    height: String,
}

impl Chart {
    /// The chart, to be put on a page as it is.
    pub fn render_chart(&self) -> String {
        html(self)
    }

    fn steps(&self) -> impl Iterator<Item = (usize, &str)> {
        self.steps.iter().take(MOST_STEPS).map(String::as_str).enumerate()
    }

    fn count(&self) -> usize {
        self.steps.len().min(MOST_STEPS)
    }

    fn series(&self) -> impl Iterator<Item = (usize, &Series)> {
        self.series.iter().take(MOST_SERIES).enumerate()
    }

    /// What the highest line of the scale stands for: a round number that nothing is above, and four times another.
    fn top(&self) -> u64 {
        let at = |step: usize| self.series().map(move |(_, series)| series.at(step));
        let highest = (0..self.count()).map(|step| match self.kind {
            ChartKind::Bars => at(step).fold(0, u64::saturating_add),
            ChartKind::Lines => at(step).max().unwrap_or_default(),
        });
        round_above(highest.max().unwrap_or_default())
    }

    /// The lines of the scale: where each is, and what it stands for.
    fn scale(&self) -> Vec<(String, String)> {
        let top = self.top();
        let line = |part: u32| {
            let value = top / u64::from(LINES) * u64::from(part);
            (number(height_of(value, top)), grouped(value))
        };
        (0..=LINES).map(line).collect()
    }

    /// The bars of a series.
    fn bars(&self, of: usize) -> Vec<Bar> {
        let (top, wide) = (self.top(), self.step_width());
        let below =
            |step: usize| self.series().take(of).map(|(_, series)| series.at(step)).fold(0, u64::saturating_add);
        let Some(series) = self.series.get(of) else { return Vec::new() };
        let bar = |(step, _): (usize, &str)| {
            let (value, below) = (series.at(step), below(step));
            let (from, to) = (height_of(below, top), height_of(below.saturating_add(value), top));
            (value > 0).then(|| Bar {
                x: number(LEFT + wide * float(step) + wide * 0.12),
                y: number(to),
                width: number(wide * 0.76),
                height: number((from - to).max(1.0)),
            })
        };
        self.steps().filter_map(bar).collect()
    }

    /// The points of a line.
    fn points(&self, of: usize) -> String {
        let (top, wide) = (self.top(), self.step_width());
        let Some(series) = self.series.get(of) else { return String::new() };
        let point = |(step, _): (usize, &str)| {
            format!("{},{}", number(LEFT + wide * (float(step) + 0.5)), number(height_of(series.at(step), top)))
        };
        self.steps().map(point).collect::<Vec<_>>().join(" ")
    }

    /// The steps that have a name below the chart, and where.
    fn named(&self) -> Vec<(String, &str)> {
        let every = self.count().div_ceil(NAMED).max(1);
        let wide = self.step_width();
        let named = self.steps().filter(|(step, _)| step % every == 0);
        named.map(|(step, name)| (number(LEFT + wide * (float(step) + 0.5)), name)).collect()
    }

    fn step_width(&self) -> f64 {
        (WIDTH - LEFT) / float(self.count().max(1))
    }

    fn is_of_lines(&self) -> bool {
        self.kind == ChartKind::Lines
    }
}

impl Series {
    fn at(&self, step: usize) -> u64 {
        self.values.get(step).copied().unwrap_or_default()
    }

    fn told(&self, step: usize) -> String {
        grouped(self.at(step))
    }
}

/// Where a value is, from the top.
#[expect(clippy::cast_precision_loss, reason = "a place in a drawing")]
fn height_of(value: u64, top: u64) -> f64 {
    let space = HEIGHT - TOP - BOTTOM;
    TOP + space - space * (value as f64 / top.max(1) as f64)
}

#[expect(clippy::cast_precision_loss, reason = "a place in a drawing")]
fn float(count: usize) -> f64 {
    count as f64
}

/// To a tenth, which no screen shows more of.
fn number(place: f64) -> String {
    format!("{place:.1}")
}

/// The least of 4, 8, 12, 20, 40, 80, … that is not below.
fn round_above(value: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for step in [4, 8, 12, 20] {
            let Some(round) = unit.checked_mul(step) else { return u64::MAX };
            if round >= value {
                return round;
            }
        }
        let Some(next) = unit.checked_mul(10) else { return u64::MAX };
        unit = next;
    }
}

/// Such as `12 345`.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut told = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            told.push('\u{202F}');
        }
        told.push(digit);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(kind: ChartKind, values: &[&[u64]]) -> Chart {
        let series = values.iter().map(|values| Series { name: "calls".to_owned(), values: values.to_vec() });
        let steps = (0..values.iter().map(|values| values.len()).max().unwrap_or_default()).map(|n| n.to_string());
        Chart {
            title: "Calls".to_owned(),
            summary: "Calls a minute.".to_owned(),
            unit: "calls",
            kind,
            steps: steps.collect(),
            series: series.collect(),
        }
    }

    #[test]
    fn the_scale_ends_at_a_round_number_that_nothing_is_above() {
        for (highest, top) in [(0, 4), (3, 4), (5, 8), (9, 12), (13, 20), (21, 40), (100, 120), (1_001, 1_200)] {
            assert_eq!(round_above(highest), top);
        }
        assert_eq!(round_above(u64::MAX), u64::MAX);
        assert_eq!(chart(ChartKind::Bars, &[&[3, 9], &[1, 9]]).top(), 20, "one on top of the other");
        assert_eq!(chart(ChartKind::Lines, &[&[3, 9], &[1, 9]]).top(), 12);
    }

    #[test]
    fn bars_stand_on_each_other_and_stay_within_the_drawing() {
        let chart = chart(ChartKind::Bars, &[&[8, 0, u64::MAX], &[4, 2, u64::MAX]]);
        for series in 0..2 {
            for bar in chart.bars(series) {
                let place = |text: &str| text.parse::<f64>().unwrap();
                assert!(place(&bar.y) >= TOP - 0.1 && place(&bar.y) + place(&bar.height) <= HEIGHT - BOTTOM + 1.1);
                assert!(place(&bar.x) >= LEFT && place(&bar.x) + place(&bar.width) <= WIDTH);
            }
        }
        assert_eq!((chart.bars(0).len(), chart.bars(1).len(), chart.bars(7).len()), (2, 3, 0), "nothing is not drawn");
    }

    #[test]
    fn every_number_is_in_the_table_and_nothing_at_all_is_no_failure() {
        let page = chart(ChartKind::Lines, &[&[1_234_567, 8], &[7]]).render_chart();
        for known in ["1\u{202F}234\u{202F}567", "<td>8</td>", "<td>7</td>", "<td>0</td>", "<polyline"] {
            assert!(page.contains(known), "{known}: {page}");
        }
        let nothing = chart(ChartKind::Bars, &[]).render_chart();
        assert!(!nothing.contains("NaN") && !nothing.contains("<rect"), "{nothing}");
    }

    #[test]
    fn what_could_not_be_told_apart_is_not_drawn() {
        let many = vec![1; 10_000];
        let chart = chart(ChartKind::Bars, &[&many, &many, &many, &many, &many, &many]);
        assert_eq!(chart.render_chart().matches("<rect").count(), MOST_STEPS * MOST_SERIES + MOST_SERIES);
    }
}
