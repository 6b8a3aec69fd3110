//! Files and functions that documents name are where they say.

use super::markdown::{Document, root};

/// Paths and functions of a text: code type that ends in `.rs` or `/` is a path from the root, `name()` behind it in the same
/// item or paragraph is a function in the file before it.
fn complaints(text: &str) -> (usize, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    let mut file: Option<(&str, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() || line.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            file = None;
        }
        for word in line.split('`').skip(1).step_by(2) {
            let is_path = word.contains('/')
                && !word.starts_with('/')
                && (word.ends_with(".rs") || word.ends_with('/'));
            if is_path {
                count += 1;
                let path = root().join(word);
                if !path.exists() {
                    wrong.push(format!("{number}: {word} does not exist"));
                }
                file = (path.is_file()).then(|| (word, std::fs::read_to_string(path).unwrap()));
            } else if let Some(function) = word.strip_suffix("()") {
                count += 1;
                let is_in =
                    |text: &str| ["(", "<"].iter().any(|end| text.contains(&format!("fn {function}{end}")));
                match &file {
                    None => wrong.push(format!("{number}: no file before {word}")),
                    Some((file, text)) if !is_in(text) => {
                        wrong.push(format!("{number}: {file} has no fn {function}"))
                    }
                    Some(_) => {}
                }
            }
        }
    }
    (count, wrong)
}

#[test]
fn the_documents_name_files_and_functions_that_are_there() {
    let mut counts = Vec::new();
    for name in ["docs/architecture.md", "CONTRIBUTING.md"] {
        let (count, wrong) = complaints(&Document::read(name).text);
        println!("{name}: {count} files and functions");
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
        counts.push(count);
    }
    assert!(counts[0] > 100 && counts[1] >= 15, "{counts:?}");
    for broken in ["`engine/src/nothing.rs`", "`engine/src/mailbox.rs` `pusch()`", "`push()`"] {
        assert_eq!(complaints(broken).1.len(), 1, "{broken}");
    }
}
