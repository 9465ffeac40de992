//! Figures of several rounds.

use std::fmt;

/// What came out of one measurement in each round, in the order of the rounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Series(Vec<f64>);

/// The least, the middle and the greatest of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) min: f64,
    pub(super) median: f64,
    pub(super) max: f64,
}

impl Series {
    pub(super) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// This series by another, round by round: what both suffered in a round cancels out.
    pub(super) fn ratios(&self, base: &Series) -> Series {
        Series(self.0.iter().zip(&base.0).map(|(figure, base)| figure / base).collect())
    }

    /// `None` if there was no round.
    pub(super) fn summary(&self) -> Option<Summary> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        Some(Summary { min, median: quantile(&sorted, 0.5), max })
    }

    /// The figure below which this part of them lies, between 0 and 1. `None` if there are none.
    pub(super) fn quantile(&self, part: f64) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        (!sorted.is_empty()).then(|| quantile(&sorted, part))
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Self {
        Series(figures.into_iter().collect())
    }
}

/// Between two figures it lies on the straight line. There is at least one.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

/// A figure with three digits that count, or its whole part.
pub(super) struct Figure(pub(super) f64);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = self.0;
        match figure.abs() {
            _ if !figure.is_finite() => f.write_str("-"),
            size if size >= 100.0 => f.write_str(&grouped(figure.round() as i64)),
            size if size >= 10.0 => write!(f, "{figure:.1}"),
            size if size >= 0.1 => write!(f, "{figure:.2}"),
            _ => write!(f, "{figure:.4}"),
        }
    }
}

/// Digits in groups of three.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(figures: &[f64]) -> Series {
        figures.iter().copied().collect()
    }

    #[test]
    fn a_summary_has_the_ends_and_the_middle() {
        let summary = |figures: &[f64]| series(figures).summary();
        assert_eq!(summary(&[]), None);
        assert_eq!(summary(&[3.0]), Some(Summary { min: 3.0, median: 3.0, max: 3.0 }));
        assert_eq!(summary(&[9.0, 1.0, 5.0]), Some(Summary { min: 1.0, median: 5.0, max: 9.0 }));
        assert_eq!(summary(&[9.0, 1.0, 5.0, 3.0]), Some(Summary { min: 1.0, median: 4.0, max: 9.0 }));
    }

    #[test]
    fn quantiles_lie_on_the_line_between_figures() {
        let figures = series(&[4.0, 1.0, 2.0, 3.0, 0.0]);
        for (part, expected) in [(0.0, 0.0), (0.25, 1.0), (0.99, 3.96), (1.0, 4.0), (7.0, 4.0)] {
            let found = figures.quantile(part).unwrap();
            assert!((found - expected).abs() < 1e-9, "{part}: {found}");
        }
        assert_eq!(series(&[]).quantile(0.5), None);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let (jeton, bare) = (series(&[90.0, 40.0, 99.0]), series(&[100.0, 50.0, 100.0]));
        assert_eq!(jeton.ratios(&bare), series(&[0.9, 0.8, 0.99]));
    }

    #[test]
    fn figures_for_people() {
        for (figure, text) in [
            (1_234_567.8, "1,234,568"),
            (-1000.0, "-1,000"),
            (999.4, "999"),
            (100.0, "100"),
            (99.94, "99.9"),
            (0.917, "0.92"),
            (0.012_34, "0.0123"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(Figure(figure).to_string(), text);
        }
    }
}
