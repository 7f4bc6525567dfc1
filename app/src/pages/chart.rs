//! Charts, drawn on the server.
//!
//! Owns the way from numbers to coordinates. A chart has no meaning of its own: beside each stands a table or a sentence with the same numbers.

use std::fmt::Write as _;

use super::moment;
use super::words::SEVERITIES;
use crate::store::workspace::{Day, Open};

/// What was open at the end of each day from `first` to `last`: of days on which nothing changed, what the day before had.
pub(super) fn carried(days: &[Day], first: i64, last: i64) -> Vec<Open> {
    let mut known = days.iter().peekable();
    let mut now = Open::default();
    (first..=last)
        .map(|day| {
            while let Some(one) = known.next_if(|one| one.day <= day) {
                now = one.open;
            }
            now
        })
        .collect()
}

/// A line without axes.
#[derive(Clone, Debug, Default)]
pub(super) struct Sparkline {
    /// Points of the line, in a box of 240 by 40.
    pub(super) points: String,
    /// The same in words.
    pub(super) words: String,
}

impl Sparkline {
    /// Of what counts on each day.
    pub(super) fn new(days: &[Open]) -> Self {
        let totals: Vec<i64> = days.iter().map(Open::total).collect();
        let (Some(first), Some(last)) = (totals.first(), totals.last()) else { return Self::default() };
        let most = totals.iter().copied().max().unwrap_or(0).max(1) as f64;
        let step = 236.0 / (totals.len().max(2) - 1) as f64;
        let mut points = String::new();
        for (at, total) in totals.iter().enumerate() {
            let (x, y) = (2.0 + at as f64 * step, 37.0 - 34.0 * (*total as f64) / most);
            // Writing to a string cannot fail.
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
        let words = match last - first {
            0 => format!("{last} open, as {} days ago", totals.len() - 1),
            more if more > 0 => format!("{last} open, {more} more than {} days ago", totals.len() - 1),
            fewer => format!("{last} open, {} fewer than {} days ago", -fewer, totals.len() - 1),
        };
        Self { points: points.trim_end().to_owned(), words }
    }
}

/// One layer of a chart of areas.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// Class of the style sheet.
    pub(super) class: String,
    /// Points of its border.
    pub(super) points: String,
}

/// A line across a chart, with its number.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Where.
    pub(super) y: String,
    /// What it stands for.
    pub(super) label: String,
}

/// What is open by severity, one upon the other, in a box of 640 by 220.
#[derive(Clone, Debug)]
pub(super) struct Areas {
    /// The layers, the worst at the bottom.
    pub(super) layers: Vec<Layer>,
    /// The lines.
    pub(super) grid: Vec<Grid>,
    /// First and last day.
    pub(super) from: String,
    /// The last day.
    pub(super) to: String,
}

const LEFT: f64 = 44.0;
const WIDTH: f64 = 590.0;
const BOTTOM: f64 = 196.0;
const HEIGHT: f64 = 184.0;

/// A number above `most` that people like to see at an axis.
fn ceiling(most: i64) -> i64 {
    let mut ten = 1_i64;
    loop {
        for step in [ten, 2 * ten, 5 * ten] {
            if step.saturating_mul(4) >= most {
                return step.saturating_mul(4);
            }
        }
        ten = ten.saturating_mul(10);
    }
}

fn grid(top: i64) -> Vec<Grid> {
    (0..=4)
        .map(|line| Grid {
            y: format!("{:.1}", BOTTOM - HEIGHT * f64::from(line) / 4.0),
            label: (top / 4 * i64::from(line)).to_string(),
        })
        .collect()
}

impl Areas {
    /// Of the days from `first` on.
    pub(super) fn new(days: &[Open], first: i64) -> Self {
        let top = ceiling(days.iter().map(Open::total).max().unwrap_or(0));
        let step = WIDTH / (days.len().max(2) - 1) as f64;
        let x = |at: usize| LEFT + at as f64 * step;
        let y = |value: i64| BOTTOM - HEIGHT * value as f64 / top as f64;
        let mut below = vec![0_i64; days.len()];
        let mut layers = Vec::new();
        for severity in SEVERITIES {
            let above: Vec<i64> = below.iter().zip(days).map(|(below, day)| below + day.of(severity)).collect();
            let mut points = String::new();
            for (at, value) in above.iter().enumerate() {
                let _ = write!(points, "{:.1},{:.1} ", x(at), y(*value));
            }
            for (at, value) in below.iter().enumerate().rev() {
                let _ = write!(points, "{:.1},{:.1} ", x(at), y(*value));
            }
            if above != below {
                layers.push(Layer { class: format!("fill-{}", severity.name()), points: points.trim_end().to_owned() });
            }
            below = above;
        }
        let last = first + days.len() as i64 - 1;
        Self { layers, grid: grid(top), from: moment::day(first), to: moment::day(last) }
    }
}

/// A pair of bars.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    /// Where the first begins.
    pub(super) x: String,
    /// Where the second begins.
    pub(super) x2: String,
    /// How wide each is.
    pub(super) width: String,
    /// Top and height of the first.
    pub(super) first: (String, String),
    /// Top and height of the second.
    pub(super) second: (String, String),
}

/// Pairs of bars in a box of 640 by 220.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    /// The bars.
    pub(super) pairs: Vec<Pair>,
    /// The lines.
    pub(super) grid: Vec<Grid>,
}

impl Pairs {
    /// Of pairs of numbers.
    pub(super) fn new(numbers: &[(i64, i64)]) -> Self {
        let top = ceiling(numbers.iter().map(|(one, other)| (*one).max(*other)).max().unwrap_or(0));
        let room = WIDTH / numbers.len().max(1) as f64;
        let width = (room - 6.0) / 2.0;
        let bar = |value: i64| {
            let height = HEIGHT * value as f64 / top as f64;
            (format!("{:.1}", BOTTOM - height), format!("{height:.1}"))
        };
        let pair = |(at, (one, other)): (usize, &(i64, i64))| {
            let x = LEFT + at as f64 * room + 2.0;
            Pair {
                x: format!("{x:.1}"),
                x2: format!("{:.1}", x + width + 1.0),
                width: format!("{width:.1}"),
                first: bar(*one),
                second: bar(*other),
            }
        };
        Self { pairs: numbers.iter().enumerate().map(pair).collect(), grid: grid(top) }
    }
}

/// A line over days, as parts of a hundred, in a box of 640 by 220.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Its points, from the first day that is known on.
    pub(super) points: String,
    /// Where it ends; a line of one day is nothing else.
    pub(super) end: (String, String),
    /// The lines across.
    pub(super) grid: Vec<Grid>,
}

impl Line {
    /// Of what is known of each day; nothing if that is nothing.
    pub(super) fn new(days: &[Option<f64>]) -> Option<Self> {
        let step = WIDTH / (days.len().max(2) - 1) as f64;
        let place = |(at, value): (usize, &Option<f64>)| {
            let value = (*value)?.clamp(0.0, 100.0);
            Some((format!("{:.1}", LEFT + at as f64 * step), format!("{:.1}", BOTTOM - HEIGHT * value / 100.0)))
        };
        let places: Vec<(String, String)> = days.iter().enumerate().filter_map(place).collect();
        let points: Vec<String> = places.iter().map(|(x, y)| format!("{x},{y}")).collect();
        let mut grid = grid(100);
        grid.iter_mut().for_each(|line| line.label.push_str(" %"));
        Some(Self { points: points.join(" "), end: places.last()?.clone(), grid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64, critical: i64) -> Day {
        let open = Open { critical, ..Open::default() };
        Day { day, open, introduced: 0, reopened: 0, fixed: 0, removed: 0, fixed_after: 0 }
    }

    #[test]
    fn days_without_a_change_have_what_was_before() {
        let days = [day(5, 9), day(11, 3), day(13, 4)];
        let totals: Vec<i64> = carried(&days, 10, 14).iter().map(Open::total).collect();
        assert_eq!(totals, [9, 3, 3, 4, 4]);
        assert_eq!(carried(&[], 1, 2), [Open::default(); 2]);
    }

    #[test]
    fn a_line_stays_in_its_box() {
        let days: Vec<Open> = (0..30).map(|number| Open { high: number * 7, ..Open::default() }).collect();
        let line = Sparkline::new(&days);
        for point in line.points.split(' ') {
            let (x, y) = point.split_once(',').unwrap();
            assert!(
                (0.0..=240.0).contains(&x.parse::<f64>().unwrap()) && (0.0..=40.0).contains(&y.parse::<f64>().unwrap())
            );
        }
        assert_eq!(line.words, "203 open, 203 more than 29 days ago");
    }

    #[test]
    fn a_line_begins_where_something_is_known() {
        let line = Line::new(&[None, Some(0.0), Some(100.0)]).unwrap();
        assert_eq!((line.points.as_str(), line.end.1.as_str()), ("339.0,196.0 634.0,12.0", "12.0"));
        assert_eq!(line.grid.last().unwrap().label, "100 %");
        assert!(Line::new(&[None, None]).is_none() && Line::new(&[]).is_none());
    }

    #[test]
    fn an_axis_ends_at_a_number_that_people_like() {
        for (most, top) in [(0, 4), (1, 4), (4, 4), (5, 8), (9, 20), (41, 80), (81, 200), (1_000_000, 2_000_000)] {
            assert!(ceiling(most) >= most && ceiling(most) % 4 == 0, "{most}");
            assert_eq!(ceiling(most), top, "{most}");
        }
    }
}
