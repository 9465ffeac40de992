//! Pages of results that tasks write: a head, and a section for each measurement or proof.

use crate::process::output;
use std::fs;
use std::process::Command;

/// The beginning of each section's heading.
const HEADING: &str = "## ";

/// The sections of a page, each from its heading on.
pub(crate) fn sections(document: &str) -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for line in document.lines() {
        if line.starts_with(HEADING) {
            sections.push(String::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections
}

/// The page with `text` replacing the section with the same heading, or appended if there is none.
pub(crate) fn with_section(head: &str, document: &str, heading: &str, text: String) -> String {
    let mut sections = sections(document);
    match sections.iter_mut().find(|section| section.starts_with(heading)) {
        Some(section) => *section = text,
        None => sections.push(text),
    }
    joined(head, &sections)
}

/// A page of these sections.
pub(crate) fn joined(head: &str, sections: &[String]) -> String {
    let sections: Vec<&str> = sections.iter().map(|section| section.trim_end()).collect();
    format!("{head}\n{}\n", sections.join("\n\n"))
}

/// A paragraph in lines of at most 120 characters.
pub(crate) fn wrapped(text: &str) -> String {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 120 {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

/// A description of this machine, with the versions of those `programs` that are installed. It does not
/// identify the machine or its user.
pub(crate) fn machine(programs: &[&str]) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let processor = processor(&cpuinfo);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = memory_gibibytes(&read("/proc/meminfo"));
    let kernel = output(Command::new("uname").arg("-sr")).unwrap_or_default();
    let version = |program: &&str| {
        let text = output(Command::new(program).arg("--version"))?;
        Some(text.lines().next()?.trim().to_owned())
    };
    let programs: Vec<_> = programs.iter().filter_map(version).collect();
    format!("{cores} cores of {processor}, {memory:.0} GiB, {}; {}", kernel.trim(), programs.join("; "))
}

fn processor(cpuinfo: &str) -> &str {
    let line = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
    line.and_then(|rest| rest.split_once(':')).map_or("an unknown processor", |(_, name)| name.trim())
}

fn memory_gibibytes(meminfo: &str) -> f64 {
    let kibibytes = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = kibibytes.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    kibibytes.unwrap_or(0.0) / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_where_the_next_begins() {
        assert_eq!(sections("# Head\n\nText.\n\n## a\n\n1\n\n## b\n2"), ["## a\n\n1\n\n", "## b\n2\n"]);
        assert_eq!(sections("# Head\n"), [""; 0]);
    }

    #[test]
    fn a_section_is_replaced_by_its_whole_heading() {
        let page = with_section("# Old\n", "", "## list\n", "## list\n\n1\n".to_owned());
        let page = with_section("# New\n", &page, "## list-all\n", "## list-all\n\n2\n".to_owned());
        let page = with_section("# New\n", &page, "## list\n", "## list\n\n3\n".to_owned());
        assert_eq!(page, "# New\n\n## list\n\n3\n\n## list-all\n\n2\n");
    }

    #[test]
    fn paragraphs_are_wrapped_between_words() {
        assert_eq!(wrapped("a b"), "a b");
        let text = vec!["word"; 60].join(" ");
        let lines = wrapped(&text);
        assert!(
            lines.lines().all(|line| line.len() <= 120 && line.len() > 100 || line.len() == 59),
            "{lines}"
        );
        assert_eq!(lines.replace('\n', " "), text);
    }

    #[test]
    fn the_machine_is_described() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: AMD EPYC\n"), "AMD EPYC");
        assert_eq!(processor(""), "an unknown processor");
        assert!((memory_gibibytes("MemTotal:       8388608 kB\n") - 8.0).abs() < 1e-9);
    }
}
