//! Curves as an SVG picture.

use super::escaped;
use super::scale::{shown, ticks};
use std::fmt::Write as _;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;
/// More points than this are averaged together: the picture has no more columns.
const COLUMNS: usize = 430;
/// Curves of more points than this also get a smooth line through them.
const SMOOTH_FROM: usize = 60;
/// Told apart by people with any colour vision.
const COLOURS: [&str; 4] = ["#0067a5", "#d1603d", "#5a9e6f", "#8b6bb1"];

/// One line of a picture.
pub(super) struct Curve {
    pub(super) name: String,
    /// Step and value, in order of the steps.
    pub(super) points: Vec<(f64, f64)>,
}

/// A picture with at least one curve.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) about: Option<&'static str>,
    pub(super) curves: Vec<Curve>,
}

impl Chart {
    /// As a `<figure>`.
    pub(super) fn figure(&self) -> String {
        let points = || self.curves.iter().flat_map(|curve| curve.points.iter());
        let range = |of: fn(&(f64, f64)) -> f64| {
            points().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
        };
        let ((first, last), (low, high)) = (range(|p| p.0), range(|p| p.1));
        let marks = ticks(low, high);
        let (bottom, top) = (marks[0], marks[marks.len() - 1]);
        let x = |step: f64| {
            LEFT + (WIDTH - LEFT - RIGHT) * if last > first { (step - first) / (last - first) } else { 0.5 }
        };
        let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (top - value) / (top - bottom);

        let title = escaped(&self.title);
        let about = self.about.map_or(String::new(), |sentence| format!("<small>{}</small>", escaped(sentence)));
        let mut html = format!(
            "<figure>\n<figcaption>{title}{about}</figcaption>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-label=\"{title} by step\">\n"
        );
        for mark in &marks {
            let (right, at) = (WIDTH - RIGHT, y(*mark));
            let _ = writeln!(html, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>");
            let (label, at) = (shown(*mark), at + 4.0);
            let _ = writeln!(html, "<text x=\"{}\" y=\"{at:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 6.0);
        }
        let below = HEIGHT - 6.0;
        for step in steps(first, last) {
            let _ = writeln!(
                html,
                "<text x=\"{:.1}\" y=\"{below}\" text-anchor=\"middle\">{}</text>",
                x(step),
                shown(step)
            );
        }
        for (curve, colour) in self.curves.iter().zip(COLOURS.iter().cycle()) {
            let averaged = averaged(&curve.points);
            let path = |points: &[(f64, f64)]| {
                let points: Vec<_> = points.iter().map(|(s, v)| format!("{:.1},{:.1}", x(*s), y(*v))).collect();
                points.join(" ")
            };
            if let [(step, value)] = averaged[..] {
                let _ =
                    writeln!(html, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>", x(step), y(value));
                continue;
            }
            let many = averaged.len() > SMOOTH_FROM;
            let faint = if many { " stroke-opacity=\".3\"" } else { "" };
            let line = format!("fill=\"none\" stroke=\"{colour}\" stroke-linejoin=\"round\"");
            let raw = path(&averaged);
            let _ = writeln!(html, "<polyline {line}{faint} stroke-width=\"1.5\" points=\"{raw}\"/>");
            if many {
                let smooth = path(&smoothed(&averaged));
                let _ = writeln!(html, "<polyline {line} stroke-width=\"2\" points=\"{smooth}\"/>");
            }
        }
        html.push_str("</svg>\n");
        html.push_str(&self.legend());
        html.push_str("</figure>\n");
        html
    }

    /// The names of the curves and their last values.
    fn legend(&self) -> String {
        let entry = |(curve, colour): (&Curve, &&str)| {
            let last = curve.points.last().map_or(0.0, |(_, value)| *value);
            format!("<span><i style=\"background:{colour}\"></i>{}: {}</span>", escaped(&curve.name), shown(last))
        };
        let entries: String = self.curves.iter().zip(COLOURS.iter().cycle()).map(entry).collect();
        format!("<div class=\"legend\">{entries}</div>\n")
    }
}

/// Whole steps to write below a picture.
fn steps(first: f64, last: f64) -> Vec<f64> {
    if last <= first {
        return vec![first];
    }
    let whole = ticks(first, last).into_iter().filter(|step| step.fract() == 0.0 && (first..=last).contains(step));
    let mut steps: Vec<f64> = whole.collect();
    // A run begins at step 1, which is no round number.
    let room = (last - first) / 10.0;
    if steps.first().is_none_or(|step| step - first > room) {
        steps.insert(0, first);
    }
    steps
}

/// At most [`COLUMNS`] points: neighbours averaged.
fn averaged(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let together = points.len().div_ceil(COLUMNS).max(1);
    let mean = |part: &[(f64, f64)]| {
        let (steps, values) = part.iter().fold((0.0, 0.0), |(s, v), (step, value)| (s + step, v + value));
        (steps / part.len() as f64, values / part.len() as f64)
    };
    points.chunks(together).map(mean).collect()
}

/// Each point the mean of those around it.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let reach = (points.len() / 30).max(2);
    let around = |i: usize| {
        // The same reach to both sides, so that the ends are not pulled inwards.
        let reach = reach.min(i).min(points.len() - 1 - i);
        let part = &points[i - reach..=i + reach];
        (points[i].0, part.iter().map(|(_, value)| value).sum::<f64>() / part.len() as f64)
    };
    (0..points.len()).map(around).collect()
}
