//! Charts as SVG, of bars that stand beside each other. A chart says in words what it shows, too.

use std::fmt::Write;

/// Units of the drawing: looks scale it to the room that it has.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;
/// The part of a bar's room that it leaves free.
const GAP: f64 = 0.2;

/// A chart.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// What it shows, for who does not see it.
    pub(crate) summary: String,
    /// Its bars, from left to right.
    pub(crate) bars: Vec<Bar>,
}

/// A bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    /// What it stands for, and how much: what a pointer on it shows.
    pub(crate) label: String,
    /// Its parts, the lowest first.
    pub(crate) parts: [u64; 2],
}

/// A rectangle of the drawing.
pub(crate) struct Shape {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) height: String,
    /// Which part of its bar it is.
    pub(crate) part: usize,
}

impl Chart {
    /// Whether there is nothing to see.
    pub(crate) fn is_empty(&self) -> bool {
        self.most() == 0
    }

    /// What the highest bar stands for.
    pub(crate) fn most(&self) -> u64 {
        self.bars.iter().map(|bar| bar.parts.iter().sum()).max().unwrap_or(0)
    }

    /// The same as people read it.
    pub(crate) fn highest(&self) -> String {
        crate::show::number(self.most())
    }

    pub(crate) fn view_box(&self) -> String {
        format!("0 0 {WIDTH} {HEIGHT}")
    }

    /// Each bar with what it is drawn of.
    pub(crate) fn drawn(&self) -> impl Iterator<Item = (&str, Vec<Shape>)> {
        let (most, room) = (self.most().max(1) as f64, WIDTH / self.bars.len().max(1) as f64);
        self.bars.iter().enumerate().map(move |(at, bar)| {
            let (mut top, x) = (HEIGHT, at as f64 * room + room * GAP / 2.0);
            let shapes = bar.parts.iter().enumerate().filter(|(_, count)| **count > 0);
            let shapes = shapes.map(|(part, count)| {
                // What is there can be seen, however little it is.
                let height = (*count as f64 / most * (HEIGHT - 2.0)).max(1.0);
                top -= height;
                let (y, width) = (short(top), short(room * (1.0 - GAP)));
                Shape { x: short(x), y, width, height: short(height), part }
            });
            (bar.label.as_str(), shapes.collect())
        })
    }
}

/// With one digit behind the point: a tenth of a unit is less than a pixel.
fn short(number: f64) -> String {
    let mut text = String::new();
    write!(text, "{number:.1}").unwrap_or_else(|_| unreachable!("a text takes all"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_what_they_stand_for() {
        let bar = |parts| Bar { label: String::new(), parts };
        let chart = Chart { summary: String::new(), bars: vec![bar([0, 0]), bar([50, 50]), bar([1, 0])] };
        let drawn: Vec<_> = chart.drawn().map(|(_, shapes)| shapes).collect();
        assert!(drawn[0].is_empty() && !chart.is_empty());
        let heights: Vec<_> = drawn[1].iter().map(|shape| (&*shape.y, &*shape.height, shape.part)).collect();
        assert_eq!(heights, [("61.0", "59.0", 0), ("2.0", "59.0", 1)]);
        assert_eq!((&*drawn[2][0].x, &*drawn[2][0].height), ("420.0", "1.2"));
        let empty = Chart { summary: String::new(), bars: Vec::new() };
        assert!(empty.is_empty() && empty.drawn().next().is_none());
    }
}
